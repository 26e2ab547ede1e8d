import { compare, typeRank } from '../bson/compare.js';
import { describe } from '../bson/describe.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import type { Accumulator } from './accumulators.js';
import { compileOutputs } from './group.js';
import type { Stage } from './stage.js';

/** `$bucket`: groups by the boundaries that a value lies between, in ascending order. */
export function bucketStage(spec: BValue, ctx: EvalContext): Stage {
  if (!(spec instanceof BDoc)) throw new CommandError(40201, 'Argument to $bucket stage must be an object');
  const unknown = spec.keys().find((key) => !['groupBy', 'boundaries', 'default', 'output'].includes(key));
  if (unknown) throw new CommandError(40197, `Unrecognized option to $bucket: ${unknown}.`);
  const groupBy = spec.get('groupBy');
  if (groupBy === undefined || spec.get('boundaries') === undefined) {
    throw new CommandError(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.");
  }
  if (!(groupBy instanceof BDoc) && !(typeof groupBy === 'string' && groupBy.startsWith('$'))) {
    throw new CommandError(
      40202,
      `The $bucket 'groupBy' field must be a $-prefixed path or an expression object, got ${describe(groupBy)}`,
    );
  }
  const boundaries = boundariesOf(spec.get('boundaries')!, ctx);
  const fallback = fallbackOf(spec.get('default'), boundaries, ctx);
  const output = spec.get('output') ?? BDoc.of(['count', BDoc.of(['$sum', 1])]);
  if (!(output instanceof BDoc))
    throw new CommandError(40196, "The $bucket 'output' field must be an object");
  const { names, factories } = compileOutputs(output, ctx);
  const value = compileExpression(groupBy, ctx);
  return (input) => {
    const buckets = new Map<number, Accumulator[]>();
    for (const doc of input) {
      const at = bucketOf(value(doc) ?? null, boundaries, fallback);
      if (!buckets.has(at))
        buckets.set(
          at,
          factories.map((make) => make()),
        );
      for (const accumulator of buckets.get(at)!) accumulator.add(doc);
    }
    const rows = [...buckets].map(([at, accumulators]) =>
      BDoc.from(
        ['_id', ...names],
        [at < 0 ? fallback! : boundaries[at]!, ...accumulators.map((one) => one.result() ?? null)],
      ),
    );
    return rows.sort((a, b) => compare(a.get('_id'), b.get('_id')));
  };
}

function bucketOf(value: BValue, boundaries: readonly BValue[], fallback: BValue | undefined): number {
  const last = boundaries.length - 1;
  if (compare(value, boundaries[0]) >= 0 && compare(value, boundaries[last]) < 0) {
    let at = 0;
    while (compare(value, boundaries[at + 1]) >= 0) at++;
    return at;
  }
  if (fallback !== undefined) return -1;
  throw new CommandError(
    40066,
    `$switch could not find a matching branch for an input, and no default was specified: ${describe(value)} lies in no bucket`,
  );
}

function boundariesOf(spec: BValue, ctx: EvalContext): BValue[] {
  if (!Array.isArray(spec))
    throw new CommandError(40200, `The $bucket 'boundaries' field must be an array, got ${describe(spec)}`);
  if (spec.length < 2)
    throw new CommandError(
      40192,
      `The $bucket 'boundaries' field must have at least 2 values, but found ${spec.length} value(s).`,
    );
  const values = spec.map((one) => compileExpression(one, ctx)(BDoc.of()) ?? null);
  for (let i = 1; i < values.length; i++) {
    if (typeRank(values[i]) !== typeRank(values[i - 1])) {
      throw new CommandError(
        40193,
        `All values in the 'boundaries' option to $bucket must have the same type, got ${describe(values)}`,
      );
    }
    if (compare(values[i - 1], values[i]) >= 0) {
      throw new CommandError(
        40194,
        `The 'boundaries' option to $bucket must be sorted and without repetition, got ${describe(values)}`,
      );
    }
  }
  return values;
}

function fallbackOf(
  spec: BValue | undefined,
  boundaries: readonly BValue[],
  ctx: EvalContext,
): BValue | undefined {
  if (spec === undefined) return undefined;
  const value = compileExpression(spec, ctx)(BDoc.of()) ?? null;
  if (compare(value, boundaries[0]) >= 0 && compare(value, boundaries.at(-1)) < 0) {
    throw new CommandError(
      40199,
      "The $bucket 'default' field must be less than the lowest boundary or greater than or equal to the highest boundary.",
    );
  }
  return value;
}
