import type { BValue } from '../bson/values.js';

/**
 * `$slice`. With one number: so many from the front, or from the back if it is negative. With two: `limit` elements
 * from `first`, which counts from the back if it is negative.
 */
export function slice(list: BValue[], first: number, limit?: number): BValue[] {
  if (limit === undefined) return first < 0 ? list.slice(first) : list.slice(0, first);
  const from = first < 0 ? Math.max(0, list.length + first) : first;
  return list.slice(from, from + limit);
}
