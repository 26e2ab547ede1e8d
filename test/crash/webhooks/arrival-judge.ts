import type { LoggedArrival } from './arrival-log.js';

export interface Kill {
  victim: string;
  atMs: number;
}

/** What was sent twice because of one kill. */
export interface KillRow extends Kill {
  duplicates: number;
  /** How long before the kill the oldest of them had come first, in ms: the window of what was in flight. */
  oldestMs: number;
}

/** Repeats by the kill that caused them: the last one before the repeat came. */
export function duplicatesByKill(logs: Iterable<LoggedArrival[]>, kills: Kill[]): KillRow[] {
  const rows = kills.map((kill) => ({ ...kill, duplicates: 0, oldestMs: 0 }));
  for (const log of logs) {
    const first = new Map<string, number>();
    for (const { id, atMs } of log) {
      const before = first.get(id);
      if (before === undefined) {
        first.set(id, atMs);
        continue;
      }
      const row = rows.findLast((kill) => kill.atMs <= atMs);
      if (!row) continue;
      row.duplicates++;
      row.oldestMs = Math.max(row.oldestMs, row.atMs - before);
    }
  }
  return rows;
}

/** First arrivals that came after a later message of their key: `key: earlier after later`. Repeats are no inversion. */
export function inversions(log: readonly LoggedArrival[]): string[] {
  const latest = new Map<string, string>();
  const seen = new Set<string>();
  const found: string[] = [];
  for (const { id, key } of log) {
    if (seen.has(id)) continue;
    seen.add(id);
    const last = latest.get(key);
    if (last !== undefined && id < last) found.push(`${key}: ${id} after ${last}`);
    else latest.set(key, id);
  }
  return found;
}
