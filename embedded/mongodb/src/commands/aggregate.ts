import { compilePipeline } from '../agg/pipeline.js';
import type { Pipeline } from '../agg/pipeline.js';
import { BDoc } from '../bson/values.js';
import { timeExceeded } from '../cursor/cursor.js';
import { CommandError } from '../errors.js';
import type { EvalContext, PipelineContext } from '../expr/context.js';
import type { Found, Reading } from '../query/find.js';
import { prepareFind } from '../query/find.js';
import type { FindQuery, PreparedFind } from '../query/find.js';
import { writeOutput } from './aggregate-output.js';
import { firstBatch, listed } from './command-cursor.js';
import { checkCollation, namespaceOf, defineCommand, evalContextOf } from './context.js';
import type { CommandContext } from './context.js';
import { hintOf } from './hint.js';
import { integer, required } from './schema.js';
import type { Args } from './schema.js';

export const AGGREGATE_SCHEMA = {
  pipeline: 'array',
  cursor: 'doc',
  explain: 'bool',
  allowDiskUse: 'bool',
  hint: 'any',
  let: 'doc',
  collation: 'doc',
  bypassDocumentValidation: 'ignored',
  fromMongos: 'refused',
  exchange: 'refused',
} as const;

type AggregateArgs = Args<typeof AGGREGATE_SCHEMA>;

export const aggregate = defineCommand({
  name: 'aggregate',
  help: 'runs a pipeline',
  schema: AGGREGATE_SCHEMA,
  async run(args, context) {
    if (!args.cursor && !args.explain) {
      throw new CommandError(
        'FailedToParse',
        "The 'cursor' option is required, except for aggregate with the explain argument",
      );
    }
    if (args.explain)
      throw new CommandError(
        'CommandNotSupported',
        'aggregate.explain is not supported by the embedded server: use the explain command',
      );
    context.info.count('command');
    const { source, pipeline, ns } = prepareAggregate(args, context);
    if (pipeline.terminal) checkOutputReadConcern(context, pipeline.terminal.kind);
    const batchSize = integer(args.cursor?.get('batchSize') ?? null);
    if (batchSize !== undefined && batchSize < 0) {
      throw new CommandError('BadValue', `cursor.batchSize must be >= 0, got ${batchSize}`);
    }
    const documents = input(source.run(context.engine.epoch), context.deadline);
    const results = pipeline.run(documents, { match: true, sort: true });
    if (!pipeline.terminal) return firstBatch(context, ns, listed(results), { batchSize });
    await writeOutput(context, pipeline.terminal, [...results]);
    return firstBatch(context, ns, listed([]), { batchSize });
  },
});

/** A compiled pipeline with the read that feeds it: its leading `$match`, `$sort` and `$limit`. */
export interface PreparedAggregate {
  ns: string;
  find: FindQuery;
  source: PreparedFind;
  pipeline: Pipeline;
}

/** Compiles a pipeline and lets the planner serve what it starts with. */
export function prepareAggregate(args: AggregateArgs, context: CommandContext): PreparedAggregate {
  checkCollation(args.collation);
  const pipelineContext = pipelineContextOf(context, args.let);
  const pipeline = compilePipeline(required(args.pipeline, 'aggregate.pipeline'), pipelineContext);
  const wholeDatabase = typeof context.target !== 'string';
  const ns = wholeDatabase ? `${context.db}.$cmd.aggregate` : namespaceOf(context);
  const find = {
    filter: pipeline.leadingMatch ?? BDoc.of(),
    sort: pipeline.leadingSort ?? undefined,
    limit: pipeline.leadingLimit ?? undefined,
    hint: hintOf(args.hint),
    allowDiskUse: args.allowDiskUse,
  };
  const collection = wholeDatabase ? undefined : context.engine.catalog.get(ns);
  return { ns, find, source: prepareFind(collection, find, pipelineContext), pipeline };
}

/** A linearizable read waits for the primary's own no-op, which a write in the same command would contradict. */
function checkOutputReadConcern({ body }: CommandContext, kind: string): void {
  const concern = body.get('readConcern');
  if (!(concern instanceof BDoc) || concern.get('level') !== 'linearizable') return;
  throw new CommandError(
    'InvalidOptions',
    `$${kind} cannot be used with a 'linearizable' read concern level`,
  );
}

function pipelineContextOf(context: CommandContext, variables: BDoc | undefined): PipelineContext {
  const evalContext = evalContextOf(context, variables);
  const find = (name: string, filter: BDoc): Iterable<BDoc> => lookUp(context, evalContext, name, filter);
  return Object.assign(evalContext, { db: context.db, find });
}

function* lookUp(
  context: CommandContext,
  evalContext: EvalContext,
  name: string,
  filter: BDoc,
): Generator<BDoc> {
  const collection = context.engine.catalog.get(`${context.db}.${name}`);
  const prepared = prepareFind(collection, { filter }, evalContext);
  yield* input(prepared.run(context.engine.epoch), context.deadline);
}

function* input(found: Reading<Found>, deadline: number): Generator<BDoc> {
  for (const one of found) {
    if (one) yield one.doc;
    else if (Date.now() > deadline) throw timeExceeded();
  }
}
