/** What the row of an application tells of the changes of its endpoints, by tokens (`changeToken`). */
export interface ToldChanges {
  /** How many changes of the revision told which endpoint they are about, or that they are about none. */
  told?: number;
  /** Begun and not ended, oldest first. That of a process that died stays: when it is written nobody can tell. */
  open?: string[];
  /** Ended, oldest first. */
  ended?: string[];
}

/** The row of an application, as far as it tells of changes. */
export interface TellingRow {
  rev: number;
  changes?: ToldChanges;
}

/** As of when somebody knows the endpoints of an application. */
export interface ChangesSeen {
  rev: number;
  told: number;
  /** The latest that had ended; null when none had. */
  ended: string | null;
}

/** So many are kept of each kind: about 5 KB at most. Who has missed more reads all endpoints. */
export const MOST_TOLD = 100;

const SEPARATOR = '/';

/** @param unique tells this change from every other of the endpoint */
export const changeToken = (endpoint: string, unique: string): string => endpoint + SEPARATOR + unique;

export const changesSeen = ({ rev, changes }: TellingRow): ChangesSeen => ({
  rev,
  told: changes?.told ?? 0,
  ended: changes?.ended?.at(-1) ?? null,
});

/**
 * The endpoints that may have changed since somebody knew them all, read after he saw `seen`; null when the row does not
 * tell. It compares no clocks and no order of writes: what had ended before `seen` was read then, what ended since is in
 * the row, and what is open may be written at any time, so it always counts.
 */
export function changedSince(seen: ChangesSeen, row: TellingRow): Set<string> | null {
  const { told = 0, open = [], ended = [] } = row.changes ?? {};
  // A change that told nothing, or another history of the row than the one that was seen.
  if (row.rev - seen.rev !== told - seen.told) return null;
  const at = seen.ended === null ? -1 : ended.lastIndexOf(seen.ended);
  if (at === -1 && (seen.ended !== null || ended.length >= MOST_TOLD)) return null;
  return new Set([...ended.slice(at + 1), ...open].map(endpointOf));
}

const endpointOf = (token: string) => token.slice(0, token.indexOf(SEPARATOR));
