/**
 * Bounds of `$slice`. With one number: so many from the front, or from the back if it is negative. With two: `limit`
 * elements from `first`, which counts from the back if it is negative.
 */
export function sliceBounds(length: number, first: number, limit?: number): [from: number, to: number] {
  if (limit === undefined)
    return first < 0 ? [Math.max(0, length + first), length] : [0, Math.min(length, first)];
  const from = first < 0 ? Math.max(0, length + first) : Math.min(length, first);
  return [from, Math.min(length, from + limit)];
}
