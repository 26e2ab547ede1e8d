import { BDoc } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { MONGODB_VERSION } from '../server-info.js';
import { prepareFind } from '../query/find.js';
import type { PreparedFind } from '../query/find.js';
import { stagesOf } from '../query/explain.js';
import { AGGREGATE_SCHEMA, prepareAggregate } from './aggregate.js';
import { defineCommand, evalContextOf, namespaceOf } from './context.js';
import type { CommandContext } from './context.js';
import { drained } from './draining.js';
import { FIND_SCHEMA, prepareFindCommand } from './find.js';
import { hintOf } from './hint.js';
import { integer, parseFields } from './schema.js';

/** What is explained: a read, whose plan is shown and which runs if statistics are asked for. */
interface Explained {
  ns: string;
  filter: BDoc;
  sort?: BDoc | undefined;
  limit?: number | undefined;
  prepared: PreparedFind;
}

const VERBOSITIES = ['queryPlanner', 'executionStats', 'allPlansExecution'];

export const explain = defineCommand({
  name: 'explain',
  help: 'shows the plan of a command; nothing is written',
  schema: { verbosity: 'string' } as const,
  async run(args, context) {
    const inner = context.target;
    if (!(inner instanceof BDoc))
      throw new CommandError('FailedToParse', 'explain takes the command to explain as a document');
    const verbosity = args.verbosity ?? 'allPlansExecution';
    if (!VERBOSITIES.includes(verbosity))
      throw new CommandError('FailedToParse', `verbosity must be one of ${VERBOSITIES.join(', ')}`);
    const name = inner.keys()[0] ?? '';
    const explained = read(name, inner, { ...context, name, body: inner, target: inner.get(name) ?? null });
    const stages = stagesOf(explained.prepared.plan, explained.filter, explained);
    const reply = BDoc.of(
      ['explainVersion', '1'],
      [
        'queryPlanner',
        BDoc.of(
          ['namespace', explained.ns],
          ['parsedQuery', explained.filter],
          ['indexFilterSet', false],
          ['winningPlan', stages],
          ['rejectedPlans', []],
        ),
      ],
    );
    if (verbosity !== 'queryPlanner')
      reply.set('executionStats', await statistics(explained, stages, context));
    const { port } = context.info;
    return reply
      .set('command', inner)
      .set('serverInfo', BDoc.of(['port', port], ['version', MONGODB_VERSION]));
  },
});

function read(name: string, command: BDoc, context: CommandContext): Explained {
  const request = { sequences: new Map<string, BDoc[]>() };
  const ns = namespaceOf(context);
  switch (name) {
    case 'find': {
      const args = parseFields('find', FIND_SCHEMA, command, request);
      return {
        ns,
        filter: args.filter ?? BDoc.of(),
        sort: args.sort,
        limit: args.limit,
        prepared: prepareFindCommand(args, context, evalContextOf(context, args.let)),
      };
    }
    case 'aggregate': {
      const { source, find } = prepareAggregate(
        parseFields('aggregate', AGGREGATE_SCHEMA, command, request),
        context,
      );
      return { ns, ...find, prepared: source };
    }
    case 'count':
    case 'distinct':
      return plain(ns, command.get('query'), command, context);
    case 'findAndModify':
    case 'findandmodify':
      return plain(ns, command.get('query'), command, context, 1);
    case 'update':
      return statement(ns, command.get('updates'), context);
    case 'delete':
      return statement(ns, command.get('deletes'), context);
    default:
      throw unsupported(`explain of '${name}'`);
  }
}

function statement(ns: string, statements: unknown, context: CommandContext): Explained {
  const [only] = Array.isArray(statements) ? (statements as unknown[]) : [];
  if (!(only instanceof BDoc)) throw new CommandError('FailedToParse', 'explain takes one statement');
  const one = only.get('multi') === true || integer(only.get('limit') ?? null) === 0;
  return plain(ns, only.get('q'), only, context, one ? undefined : 1);
}

function plain(
  ns: string,
  query: unknown,
  command: BDoc,
  context: CommandContext,
  limit?: number,
): Explained {
  const filter = query instanceof BDoc ? query : BDoc.of();
  const sort = command.get('sort');
  const find = {
    filter,
    hint: hintOf(command.get('hint')),
    sort: sort instanceof BDoc ? sort : undefined,
    limit,
  };
  const prepared = prepareFind(context.engine.catalog.get(ns), find, evalContextOf(context));
  return { ns, ...find, prepared };
}

async function statistics({ prepared }: Explained, stages: BDoc, context: CommandContext): Promise<BDoc> {
  const started = performance.now();
  let returned = 0;
  for await (const batch of drained(prepared.run(context.engine.epoch), context.deadline))
    returned += batch.length;
  const { keysExamined, docsExamined } = prepared.stats;
  return BDoc.of(
    ['executionSuccess', true],
    ['nReturned', returned],
    ['executionTimeMillis', Math.round(performance.now() - started)],
    ['totalKeysExamined', keysExamined],
    ['totalDocsExamined', docsExamined],
    ['executionStages', stages.clone().set('nReturned', returned)],
  );
}
