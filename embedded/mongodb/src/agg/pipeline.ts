import { toSafeInteger } from '../bson/arithmetic.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { PipelineContext } from '../expr/context.js';
import {
  DOCUMENT_STAGES,
  stageOf,
  type CompiledStages,
  type NamedStage,
  type Stage,
} from './document-stages.js';
import { sortStage, STREAM_STAGES } from './stream-stages.js';

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

/** A pipeline that does nothing but count the documents it is given. */
export interface Counting {
  readonly skip: number;
  /** 0: all. */
  readonly limit: number;
  /** The result, where there was anything to count. */
  result(count: number): BDoc;
}

/** `[$skip] [$limit]` and `$count`, or what drivers send for it, `{$group: {_id: 1, n: {$sum: 1}}}`; null for others. */
export function countingOf(stages: readonly NamedStage[]): Counting | null {
  const left = [...stages];
  const cut = (name: string): number =>
    left[0]?.name === name ? (toSafeInteger(left.shift()?.spec) ?? 0) : 0;
  const skip = cut('$skip');
  const limit = cut('$limit');
  const [last, ...more] = left;
  const result = last && more.length === 0 ? resultOf(last) : null;
  return result && { skip, limit, result };
}

function resultOf({ name, spec }: NamedStage): Counting['result'] | null {
  if (name === '$count' && typeof spec === 'string') return (count) => BDoc.of([spec, asSum(count)]);
  if (name !== '$group' || !(spec instanceof BDoc) || spec.size !== 2) return null;
  const id = spec.get('_id');
  const field = spec.keys().find((one) => one !== '_id');
  const sum = field === undefined ? undefined : spec.get(field);
  const isCount = sum instanceof BDoc && sum.size === 1 && sum.get('$sum') === 1;
  if (!isCount || (typeof id !== 'number' && id !== null)) return null;
  return (count) => BDoc.of(['_id', id], [field!, asSum(count)]);
}

/** An int, or a long where it is too large for one. */
const asSum = (count: number): BValue => (count > 0x7fffffff ? BigInt(count) : count);
