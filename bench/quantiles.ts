export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** Quantiles by nearest rank, rounded to hundredths. NaN for no values. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = inOrder(values);
  const at = (share: number) => round(nearest(sorted, share));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** The middle value, the lower of two; not rounded. NaN for no values. */
export const median = (values: readonly number[]): number => nearest(inOrder(values), 0.5);

export const round = (value: number): number => Math.round(value * 100) / 100;

const inOrder = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

const nearest = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
