import type { Quantiles } from '../quantiles.js';

/** What a load brought, as far as it is compared. */
export interface Compared {
  lost: number;
  duplicates: number;
  acceptedPerSecond: number;
  deliveredPerSecond: number;
  acceptToDeliveredMs: Quantiles;
}

/** A figure of one load beside that of others, and the bound that it must keep. */
export interface Bar {
  load: string;
  figure: string;
  of: (measured: Compared) => number;
  svix: string;
  outpost: string;
  least?: number;
  most?: number;
}

const SVIX_RATE = '1,060-1,195';
const SVIX_BEST = 1_195;

/**
 * Svix's server of August 2026 (PostgreSQL 15 with fsync, Redis with an append-only file) and Outpost of the same month
 * (PostgreSQL, Redis, RabbitMQ, 64 deliveries at a time), measured on 2 cores of the machine that bench/README.md names,
 * with load and receiver beside them, 1 KB payloads, one endpoint. A rate must be above the best run of Svix.
 */
export const BARS: readonly Bar[] = [
  {
    ...{ load: '64 connections', figure: 'accepted/s', of: (one) => one.acceptedPerSecond },
    ...{ svix: SVIX_RATE, outpost: '', least: SVIX_BEST },
  },
  {
    ...{ load: '64 connections', figure: 'delivered/s', of: (one) => one.deliveredPerSecond },
    ...{ svix: SVIX_RATE, outpost: '841-891', least: SVIX_BEST },
  },
  {
    ...{ load: 'batches of 100', figure: 'accepted/s', of: (one) => one.acceptedPerSecond },
    ...{ svix: '', outpost: '', least: 5_000 },
  },
  { ...latency('200/s', 'p50'), svix: '1.7', outpost: '30' },
  { ...latency('200/s', 'p95'), svix: '2.4', outpost: '53', most: 10 },
  { ...latency('200/s', 'p99'), svix: '5.2', outpost: '' },
  { ...latency('500/s', 'p50'), svix: '1.6-1.9', outpost: '36' },
  { ...latency('500/s', 'p95'), svix: '2.9-3.4', outpost: '67', most: 15 },
  { ...latency('500/s', 'p99'), svix: '6.8-9.5', outpost: '' },
];

function latency(load: string, quantile: 'p50' | 'p95' | 'p99') {
  const of = (measured: Compared) => measured.acceptToDeliveredMs[quantile];
  return { load, figure: `accept->delivered ${quantile}, ms`, of };
}

export function holds({ least, most, of }: Bar, measured: Compared): boolean {
  const value = of(measured);
  return value > (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY);
}

/** Whether a load kept all its bounds, lost nothing and repeated nothing. */
export function meetsBars(load: string, measured: Compared): boolean {
  if (measured.lost + measured.duplicates > 0) return false;
  return BARS.filter((bar) => bar.load === load).every((bar) => holds(bar, measured));
}

/** Rows of text: ours beside the peers'. */
export function barRows(loads: ReadonlyMap<string, Compared>): string[][] {
  const rows = BARS.flatMap((bar) => {
    const measured = loads.get(bar.load);
    if (measured === undefined) return [];
    const must = bar.least === undefined ? '' : `> ${bar.least}`;
    const verdict = (bar.least ?? bar.most) ? (holds(bar, measured) ? 'ok' : 'MISSED') : '';
    return [
      [
        ...[bar.load, bar.figure, String(bar.of(measured)), bar.svix, bar.outpost],
        ...[bar.most === undefined ? must : `<= ${bar.most}`, verdict],
      ],
    ];
  });
  const faults = [...loads].map(([load, { lost, duplicates }]) => {
    const verdict = lost + duplicates === 0 ? 'ok' : 'MISSED';
    return [load, 'lost, twice', `${lost}, ${duplicates}`, '', '', '0, 0', verdict];
  });
  return [['load', 'figure', 'holdfast', 'svix', 'outpost', 'must', ''], ...rows, ...faults];
}
