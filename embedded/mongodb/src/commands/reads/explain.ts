import { doc } from '../../bson/plain.js';
import { BDoc } from '../../bson/values.js';
import { readAll } from '../../cursor/cursor.js';
import { badValue, unsupported, failedToParse } from '../../errors.js';
import type { EvalContext } from '../../expr/compiler.js';
import { evalContext } from '../../expr/expression.js';
import { prepareFind, type FindQuery, type PreparedFind } from '../../query/find.js';
import type { Plan } from '../../query/planner.js';
import { MONGODB_VERSION } from '../../server-info.js';
import { command, namespaceOf, type CommandContext, type CommandTable } from '../command.js';
import { fields, parseCommand, parseFields } from '../schema.js';
import { findAndModify } from '../writes/find-and-modify.js';
import { DELETE, UPDATE, writes } from '../writes/write-commands.js';
import { AGGREGATE, prepareAggregate } from './aggregate.js';
import { reads } from './find.js';

const VERBOSITIES = ['queryPlanner', 'executionStats', 'allPlansExecution'];

/** Shows the plan of a command and, if statistics are asked for, runs its read; nothing is written. */
export const explain = command({
  fields: fields({ string: 'verbosity' }),
  async run({ verbosity = 'allPlansExecution' }, context) {
    const inner = context.target;
    if (!(inner instanceof BDoc)) throw failedToParse('explain takes a command as a document');
    if (!VERBOSITIES.includes(verbosity))
      throw badValue(`verbosity must be one of ${VERBOSITIES.join(', ')}`);
    const name = inner.keys()[0] ?? '';
    const explained = { ...context, name, body: inner, target: inner.get(name) ?? null };
    const [find, evalContext] = queryOf(explained);
    const namespace = namespaceOf(explained);
    const prepared = prepareFind(context.engine.catalog.get(namespace), find, evalContext);
    const winningPlan = stagesOf(prepared.plan, find);
    const about = { namespace, parsedQuery: find.filter, indexFilterSet: false };
    const reply = doc({ explainVersion: '1', queryPlanner: { ...about, winningPlan, rejectedPlans: [] } });
    if (verbosity !== 'queryPlanner')
      reply.set('executionStats', await statistics(prepared, winningPlan, context));
    const serverInfo = doc({ port: context.info.port, version: MONGODB_VERSION });
    return reply.set('command', inner).set('serverInfo', serverInfo);
  },
});

/** What the commands and statements say of what they read; a write reads what it would change. */
type Options = Partial<FindQuery> & Record<'query' | 'q' | 'let', BDoc | undefined> & { multi?: boolean };
const EXPLAINED: CommandTable = { ...reads, ...writes, findAndModify };
const READS_NOTHING = ['insert', 'getMore', 'killCursors'];

function queryOf(context: CommandContext): [FindQuery, EvalContext] {
  const { name, body } = context;
  if (name === 'aggregate') {
    const { find, pipelineContext } = prepareAggregate(parseCommand(name, AGGREGATE, body), context);
    return [find, pipelineContext];
  }
  const explained = Object.hasOwn(EXPLAINED, name) ? EXPLAINED[name] : undefined;
  if (!explained || READS_NOTHING.includes(name)) throw unsupported(`explain of '${name}'`);
  const args = parseCommand(name, explained.fields, body) as Options & { updates?: BDoc[]; deletes?: BDoc[] };
  const [statement] = args.updates ?? args.deletes ?? [];
  const schema = name === 'update' ? UPDATE : DELETE;
  const options = statement ? (parseFields(name, schema, statement) as Options) : args;
  const { filter, query, q, multi, sort, hint, skip } = options;
  const one = name === 'findAndModify' || (name === 'update' && !multi);
  const { limit = one ? 1 : 0 } = options;
  return [{ filter: filter ?? query ?? q ?? BDoc.of(), sort, hint, skip, limit }, evalContext(args.let)];
}

async function statistics(prepared: PreparedFind, plan: BDoc, context: CommandContext): Promise<BDoc> {
  const started = performance.now();
  let nReturned = 0;
  await readAll(prepared.run(), context.deadline, () => (nReturned += 1));
  const { keysExamined, docsExamined } = prepared.stats;
  return doc({
    executionSuccess: true,
    nReturned,
    executionTimeMillis: Math.round(performance.now() - started),
    totalKeysExamined: keysExamined,
    totalDocsExamined: docsExamined,
    executionStages: plan.clone().set('nReturned', nReturned),
  });
}

/** A plan as the tree of stages that MongoDB's tools read. */
function stagesOf(plan: Plan, { filter, sort, limit }: FindQuery): BDoc {
  let stage = access(plan, filter);
  if (sort && sort.size > 0 && !plan.sorted)
    stage = doc({ stage: 'SORT', sortPattern: sort, inputStage: stage });
  return limit ? doc({ stage: 'LIMIT', limitAmount: limit, inputStage: stage }) : stage;
}

function access({ scans, exact, reverse }: Plan, all: BDoc): BDoc {
  const filter = all.size > 0 ? all : undefined;
  const direction = reverse ? 'backward' : 'forward';
  if (!scans) return doc({ stage: 'COLLSCAN', filter, direction });
  const inputs = scans.map(({ index: { spec, multikey } }) => {
    const index = { keyPattern: spec.key, indexName: spec.name };
    if (exact) return doc({ stage: 'IDHACK', ...index });
    const kind = { isUnique: spec.unique, isSparse: spec.sparse, isPartial: spec.partial !== null };
    return doc({ stage: 'IXSCAN', ...index, isMultiKey: multikey.size > 0, ...kind, direction });
  });
  const [input, ...more] = inputs;
  if (!input || exact) return input ?? doc({ stage: 'EOF' });
  const inputStage = more.length > 0 ? doc({ stage: 'OR', inputStages: inputs }) : input;
  return doc({ stage: 'FETCH', filter, inputStage });
}
