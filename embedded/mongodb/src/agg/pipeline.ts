import { toSafeInteger } from '../bson/arithmetic.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { PipelineContext } from '../expr/context.js';
import { countingOf, type Counting } from './counting.js';
import { DOCUMENT_STAGES, stageOf, type NamedStage } from './document-stages.js';
import { sortStage, STREAM_STAGES } from './stream-stages.js';
import type { CompiledStages, Stage } from './stage.js';

/** What the caller has already done to the input of a pipeline. */
export interface Served {
  /** The documents were filtered by `leadingMatch`. */
  readonly match?: boolean;
  /** They are in the order of `leadingSort`. */
  readonly sort?: boolean;
}

/** A compiled pipeline. */
export interface Pipeline extends CompiledStages {
  /** The filter of the leading `$match` stages. */
  readonly leadingMatch: BDoc | null;
  /** The sort right behind the leading `$match` stages. */
  readonly leadingSort: BDoc | null;
  /** How many documents the pipeline needs at most once they are filtered and sorted. */
  readonly leadingLimit: number | null;
  /** Set if all that is left behind the leading `$match` stages is a count. */
  readonly counting: Counting | null;
  /** `$out` or `$merge`, which the server carries out on the result. */
  readonly terminal: { readonly kind: 'out' | 'merge'; readonly spec: BValue } | null;
  /** Runs the stages, without those that the caller says are served. May be called more than once. */
  run(input: Iterable<BDoc>, served?: Served): Iterable<BDoc>;
}

/** Stages of MongoDB 8.0 that this server refuses as unsupported rather than as unknown. */
const NOT_HERE = new Set(
  (
    '$bucketAuto $changeStream $changeStreamSplitLargeEvent $collStats $currentOp $densify $documents $fill $geoNear ' +
    '$graphLookup $indexStats $listLocalSessions $listSampledQueries $listSearchIndexes $listSessions $planCacheStats ' +
    '$querySettings $queryStats $redact $search $searchMeta $setWindowFields $shardedDataDistribution $vectorSearch'
  ).split(' '),
);

/**
 * Compiles a pipeline.
 * @throws CommandError 40324 for an unknown stage, 115 for one that this server does not have.
 */
export function compilePipeline(stages: readonly BValue[], ctx: PipelineContext): Pipeline {
  const named = stages.map(stageOf);
  const terminal = terminalOf(named);
  if (terminal) named.pop();
  const matches = named.findIndex((stage) => stage.name !== '$match');
  const head = matches < 0 ? named.length : matches;
  const leadingSort = named[head]?.name === '$sort' ? (named[head].spec as BDoc) : null;
  const compiled = named.map((stage, at) => compileStage(stage, ctx, limitFrom(named, at + 1)));
  const leadingMatch = combined(named.slice(0, head));
  const run: Pipeline['run'] = (input, served = {}) =>
    compiled
      .filter((_, at) => !(served.match && at < head) && !(served.sort && leadingSort && at === head))
      .reduce((docs, stage) => stage(docs), input);
  return {
    leadingMatch,
    leadingSort,
    leadingLimit: limitFrom(named, leadingSort ? head + 1 : head),
    counting: terminal ? null : countingOf(named.slice(head)),
    terminal,
    run,
    runOn: (collection) => run(ctx.find(collection, leadingMatch ?? BDoc.of(), ctx), { match: true }),
  };
}

function terminalOf(stages: readonly NamedStage[]): Pipeline['terminal'] {
  const at = stages.findIndex((stage) => stage.name === '$out' || stage.name === '$merge');
  if (at < 0) return null;
  const { name, spec } = stages[at]!;
  if (at < stages.length - 1) throw new CommandError(40601, `${name} can only be the final stage`);
  return { kind: name === '$out' ? 'out' : 'merge', spec };
}

function compileStage({ name, spec }: NamedStage, ctx: PipelineContext, sortLimit: number | null): Stage {
  if (name === '$sort') return sortStage(spec, sortLimit);
  if (Object.hasOwn(DOCUMENT_STAGES, name)) {
    const change = DOCUMENT_STAGES[name]!(spec, ctx);
    return function* (input) {
      for (const doc of input) yield change(doc);
    };
  }
  if (Object.hasOwn(STREAM_STAGES, name)) return STREAM_STAGES[name]!(spec, ctx, compileSubPipeline);
  if (NOT_HERE.has(name)) throw unsupported(`the stage ${name}`);
  throw new CommandError(40324, `Unrecognized pipeline stage name: '${name}'`);
}

function compileSubPipeline(stages: readonly BValue[], ctx: PipelineContext): CompiledStages {
  const pipeline = compilePipeline(stages, ctx);
  if (!pipeline.terminal) return pipeline;
  throw new CommandError(51047, `$${pipeline.terminal.kind} is not allowed within a sub-pipeline`);
}

/** How many documents are needed of the input of stage `at`, if `$skip` and `$limit` stand there. */
function limitFrom(stages: readonly NamedStage[], at: number): number | null {
  const [first, second] = stages.slice(at);
  if (first?.name === '$limit') return toSafeInteger(first.spec) ?? null;
  if (first?.name !== '$skip' || second?.name !== '$limit') return null;
  const sum = (toSafeInteger(first.spec) ?? NaN) + (toSafeInteger(second.spec) ?? NaN);
  return Number.isNaN(sum) ? null : sum;
}

function combined(matches: readonly NamedStage[]): BDoc | null {
  if (matches.length === 0) return null;
  return matches.length === 1
    ? (matches[0]!.spec as BDoc)
    : BDoc.of(['$and', matches.map((stage) => stage.spec)]);
}
