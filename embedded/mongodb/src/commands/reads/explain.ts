import { doc } from '../../bson/plain.js';
import { BDoc } from '../../bson/values.js';
import type { BValue } from '../../bson/values.js';
import { readAll } from '../../cursor/turns.js';
import { CommandError, unsupported } from '../../errors.js';
import { stagesOf } from '../../query/explain.js';
import type { FindQuery, PreparedFind } from '../../query/find.js';
import { MONGODB_VERSION } from '../../server-info.js';
import { command, evalContextOf, namespaceOf } from '../command.js';
import type { CommandContext } from '../command.js';
import { fields, integer, parseFields } from '../schema.js';
import { AGGREGATE, prepareAggregate } from './aggregate.js';
import { FIND, prepare } from './find.js';

const VERBOSITIES = ['queryPlanner', 'executionStats', 'allPlansExecution'];

/** Shows the plan of a command and, if statistics are asked for, runs its read; nothing is written. */
export const explain = command({
  fields: fields({ string: ['verbosity'] }),
  async run({ verbosity = 'allPlansExecution' }, context) {
    const inner = context.target;
    if (!(inner instanceof BDoc))
      throw new CommandError('FailedToParse', 'explain takes a command as a document');
    if (!VERBOSITIES.includes(verbosity))
      throw new CommandError('FailedToParse', `verbosity must be one of ${VERBOSITIES.join(', ')}`);
    const name = inner.keys()[0] ?? '';
    const read = readOf({ ...context, name, body: inner, target: inner.get(name) ?? null });
    const { ns, find, prepared } = read;
    const winningPlan = stagesOf(prepared.plan, find.filter, { sort: find.sort, limit: find.limit });
    const planner = {
      namespace: ns,
      parsedQuery: find.filter,
      indexFilterSet: false,
      winningPlan,
      rejectedPlans: [],
    };
    const reply = doc({ explainVersion: '1', queryPlanner: planner });
    if (verbosity !== 'queryPlanner')
      reply.set('executionStats', await statistics(prepared, winningPlan, context));
    const serverInfo = doc({ port: context.info.port, version: MONGODB_VERSION });
    return reply.set('command', inner).set('serverInfo', serverInfo);
  },
});

interface Read {
  ns: string;
  find: FindQuery;
  prepared: PreparedFind;
}

/** The read of a command; a write reads what it would change. */
function readOf(context: CommandContext): Read {
  const { name, body } = context;
  const ns = namespaceOf(context);
  const sequences = new Map<string, BDoc[]>();
  switch (name) {
    case 'find': {
      const { let: variables, ...args } = parseFields('find', FIND, body, { sequences });
      const find = { ...args, filter: args.filter ?? BDoc.of() };
      return { ns, find, prepared: prepare(find, ns, context, evalContextOf(context, variables)) };
    }
    case 'aggregate': {
      const { find, source } = prepareAggregate(
        parseFields('aggregate', AGGREGATE, body, { sequences }),
        context,
      );
      return { ns, find, prepared: source };
    }
    case 'count':
    case 'distinct':
      return plainRead(ns, body, body.get('query'), 0, context);
    case 'findAndModify':
      return plainRead(ns, body, body.get('query'), 1, context);
    case 'update':
    case 'delete': {
      const statements = body.get(`${name}s`);
      const statement = Array.isArray(statements) ? statements[0] : undefined;
      if (!(statement instanceof BDoc))
        throw new CommandError('FailedToParse', 'explain takes one statement');
      const all = statement.get('multi') === true || integer(statement.get('limit')) === 0;
      return plainRead(ns, statement, statement.get('q'), all ? 0 : 1, context);
    }
    default:
      throw unsupported(`explain of '${name}'`);
  }
}

function plainRead(
  ns: string,
  options: BDoc,
  query: BValue | undefined,
  limit: number,
  context: CommandContext,
): Read {
  const hint = options.get('hint');
  const sort = options.get('sort');
  const find = {
    filter: query instanceof BDoc ? query : BDoc.of(),
    hint: hint instanceof BDoc || typeof hint === 'string' ? hint : undefined,
    sort: sort instanceof BDoc ? sort : undefined,
    limit,
  };
  return { ns, find, prepared: prepare(find, ns, context, evalContextOf(context)) };
}

async function statistics(prepared: PreparedFind, plan: BDoc, context: CommandContext): Promise<BDoc> {
  const started = performance.now();
  let nReturned = 0;
  await readAll(prepared.run(context.engine.epoch), context.deadline, () => (nReturned += 1));
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
