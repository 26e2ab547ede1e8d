import { readFileSync, writeFileSync } from 'node:fs';

/** Committed; `npm run bench:mongodb -- --save-baseline` writes it anew. */
const FILE = 'bench/embedded/baseline.json';
/** So much dearer than the baseline may a case be. */
const TOLERANCE = 1.15;

/**
 * What one unit of each case costs the server, counted in pings that were measured between the rounds of the same case. Rates
 * and even processor times change by a factor of two with what else the machine does; this ratio hardly does.
 */
export interface Baseline {
  /** When and on what it was measured, for whoever reads the file. */
  from?: unknown;
  /** A scan of more documents than fit into the cache costs more for each: only equal runs are compared. */
  documents: number;
  pings: Record<string, number>;
}

export function saveBaseline(measured: Baseline): void {
  writeFileSync(FILE, `${JSON.stringify(measured, null, 2)}\n`);
}

/** Lines that tell what became dearer, and whether all is within the tolerance. Throws if the runs are not alike. */
export function compared(
  measured: Baseline,
  baseline = JSON.parse(readFileSync(FILE, 'utf8')) as Baseline,
): { lines: string[]; met: boolean } {
  if (baseline.documents !== measured.documents)
    throw new Error(`the baseline has ${baseline.documents} documents, this run ${measured.documents}`);
  const changes = Object.entries(baseline.pings).map(([name, before]) => {
    const now = measured.pings[name] ?? Number.NaN;
    return { name, before, now, ratio: now / before };
  });
  return {
    lines: changes.map(
      ({ name, before, now, ratio }) =>
        `baseline ${name}: ${before} pings, now ${now}, ${ratio <= TOLERANCE ? 'met' : 'DEARER'}`,
    ),
    // A case that is not there any more is not met either.
    met: changes.every(({ ratio }) => ratio <= TOLERANCE),
  };
}
