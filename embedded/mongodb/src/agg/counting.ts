import { toSafeInteger } from '../bson/arithmetic.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { NamedStage } from './document-stages.js';

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
