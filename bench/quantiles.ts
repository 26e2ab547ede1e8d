export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** Quantiles by nearest rank, rounded to hundredths. NaN for no values. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number) => round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export const round = (value: number): number => Math.round(value * 100) / 100;
