import { asNumber, integer } from '../bson/arithmetic.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { EvalContext, PipelineContext } from '../expr/compiler.js';
import type { FindQuery } from '../query/find.js';
import { DOCUMENT_STAGES, stageOf } from './document-stages.js';
import type { NamedStage, Stage, SubPipeline } from './document-stages.js';
import { STREAM_STAGES } from './stream-stages.js';

/** A compiled pipeline. */
export interface Pipeline {
  /** The leading `$match`, the `$sort` behind it and how many documents are needed then: what a planner can serve. */
  readonly read: FindQuery;
  /** Set if all that is left behind the leading `$match` stages is a count. */
  readonly counting: Counting | null;
  /** `$out` or `$merge`, which the server carries out on the result. */
  readonly terminal: NamedStage | undefined;
  /** Runs all of it. This and the next may be called more than once. */
  run(input: Iterable<BDoc>): Iterable<BDoc>;
  /** Runs what is left over the documents of `read`. */
  rest(input: Iterable<BDoc>): Iterable<BDoc>;
  /** Runs over a collection of the same database, whose planner serves `read`. */
  runOn(collection: string): Iterable<BDoc>;
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
  const terminal = named.find(({ name }) => name === '$out' || name === '$merge');
  if (terminal && terminal !== named.pop())
    throw new CommandError(40601, `${terminal.name} can only be the final stage`);
  const matches = named.findIndex((stage) => stage.name !== '$match');
  const head = matches < 0 ? named.length : matches;
  const sort = named[head]?.name === '$sort' ? (named[head].spec as BDoc) : undefined;
  const served = sort ? head + 1 : head;
  const compiled = named.map((stage, at) => compileStage(stage, ctx, limitFrom(named, at + 1)));
  const run = (input: Iterable<BDoc>, from = 0): Iterable<BDoc> =>
    compiled.slice(from).reduce((docs, stage) => stage(docs), input);
  const read = { filter: combined(named.slice(0, head)), sort, limit: limitFrom(named, served) };
  const rest = (input: Iterable<BDoc>): Iterable<BDoc> => run(input, served);
  return {
    read,
    counting: terminal ? null : countingOf(named.slice(head)),
    terminal,
    run: (input) => run(input),
    rest,
    runOn: (collection) => rest(ctx.find(collection, read, ctx)),
  };
}

function compileStage({ name, spec }: NamedStage, ctx: PipelineContext, limit?: number): Stage {
  if (Object.hasOwn(DOCUMENT_STAGES, name)) {
    const change = DOCUMENT_STAGES[name]!(spec, ctx);
    return function* (input) {
      for (const doc of input) yield change(doc);
    };
  }
  if (Object.hasOwn(STREAM_STAGES, name)) return STREAM_STAGES[name]!(spec, ctx, compileSubPipeline, limit);
  if (NOT_HERE.has(name)) throw unsupported(`the stage ${name}`);
  throw unknownStage(name);
}

const unknownStage = (name: string): CommandError =>
  new CommandError(40324, `Unrecognized pipeline stage name: '${name}'`);

/** Compiles a pipeline that is used as an update. */
export function compileUpdateStages(stages: readonly BValue[], ctx: EvalContext): (doc: BDoc) => BDoc {
  const steps = stages.map((stage) => {
    const { name, spec } = stageOf(stage);
    if (Object.hasOwn(DOCUMENT_STAGES, name)) return DOCUMENT_STAGES[name]!(spec, ctx);
    const known = Object.hasOwn(STREAM_STAGES, name) || NOT_HERE.has(name) || /^\$(out|merge)$/.test(name);
    if (!known) throw unknownStage(name);
    throw new CommandError('InvalidOptions', `${name} is not allowed to be used within an update`);
  });
  return (doc) => steps.reduce((current, step) => step(current), doc);
}

/** MongoDB's codes for a stage that may not stand in the pipeline of another. */
const NOT_WITHIN: Readonly<Record<string, number>> = { $lookup: 51047, $unionWith: 31441, $facet: 40600 };

const compileSubPipeline: SubPipeline = (stages, ctx, within) => {
  const banned = within === '$facet' ? /^\$(out|merge|facet)$/ : /^\$(out|merge)$/;
  const wrong = stages.map(stageOf).find(({ name }) => banned.test(name));
  if (!wrong) return compilePipeline(stages, ctx);
  throw new CommandError(NOT_WITHIN[within]!, `${wrong.name} is not allowed within ${within}`);
};

/** How many documents are needed of the input of stage `at`, if `$skip` and `$limit` stand there. */
function limitFrom(stages: readonly NamedStage[], at: number): number | undefined {
  const [first, second] = stages.slice(at);
  if (first?.name === '$limit') return asNumber(first.spec);
  if (first?.name !== '$skip' || second?.name !== '$limit') return undefined;
  return asNumber(first.spec) + asNumber(second.spec);
}

function combined(matches: readonly NamedStage[]): BDoc {
  const [first, ...more] = matches.map(({ spec }) => spec as BDoc);
  return first && more.length > 0 ? BDoc.of(['$and', [first, ...more]]) : (first ?? BDoc.of());
}

/** A pipeline that does nothing but count the documents it is given. */
interface Counting {
  /** What it counts of them; a limit of 0 is none. */
  readonly cut: { readonly skip: number; readonly limit: number };
  /** The result, where there was anything to count. */
  result(count: number): BDoc;
}

/** `[$skip] [$limit]` and `$count`, or what drivers send for it, `{$group: {_id: 1, n: {$sum: 1}}}`; null for others. */
function countingOf(stages: readonly NamedStage[]): Counting | null {
  const left = [...stages];
  const cut = (name: string): number => (left[0]?.name === name ? asNumber(left.shift()?.spec) : 0);
  const skip = cut('$skip');
  const limit = cut('$limit');
  const [last, ...more] = left;
  const result = last && more.length === 0 ? resultOf(last) : null;
  return result && { cut: { skip, limit }, result };
}

function resultOf({ name, spec }: NamedStage): Counting['result'] | null {
  if (name === '$count' && typeof spec === 'string')
    return (count) => BDoc.of([spec, integer(BigInt(count))!]);
  if (name !== '$group' || !(spec instanceof BDoc) || spec.size !== 2) return null;
  const id = spec.get('_id');
  const field = spec.keys().find((one) => one !== '_id');
  const sum = field === undefined ? undefined : spec.get(field);
  const isCount = sum instanceof BDoc && sum.size === 1 && sum.get('$sum') === 1;
  if (!isCount || (typeof id !== 'number' && id !== null)) return null;
  return (count) => BDoc.of(['_id', id], [field!, integer(BigInt(count))!]);
}
