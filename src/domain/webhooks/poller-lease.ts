/** How far a consumer has committed, and what it was given since. Offsets count the messages it was given, from 1. */
export interface LeasedPosition {
  /** Id of the message up to which everything is committed, or was looked past. */
  after: string;
  /** Offset of the first message of `ids`, or of the next one to be given. */
  offset: number;
  /** Messages that were given and not committed, in order. */
  ids: string[];
  /** Up to where was looked for them. */
  last: string;
  /** Nobody is given anything until then. */
  until: Date;
}

/** Nothing given yet. */
export const leaseStart = (after: string): LeasedPosition => ({
  ...{ after, offset: 1, ids: [], last: after },
  until: new Date(0),
});

/**
 * The position when the messages after it are given out. The same messages keep their offsets when they are given again;
 * others, because the filter was changed, get offsets that were never used, so that a late commit cannot mean them.
 */
export function given(
  position: LeasedPosition,
  { ids, last }: Pick<LeasedPosition, 'ids' | 'last'>,
  until: Date,
): LeasedPosition {
  if (ids.length === 0) {
    const offset = position.offset + position.ids.length;
    return { after: last, offset, ids, last, until: new Date(0) };
  }
  const same = ids.every((id, index) => index >= position.ids.length || position.ids[index] === id);
  const offset = same ? position.offset : position.offset + position.ids.length;
  // Who takes a shorter page may still commit what he got in a longer one.
  if (same && ids.length < position.ids.length) return { ...position, until };
  return { ...position, offset, ids, last, until };
}

/**
 * The position when everything up to an offset was worked through.
 * @returns null when no message with this offset was given; the position itself when that was committed before
 */
export function committed(position: LeasedPosition, offset: number): LeasedPosition | null {
  const count = offset - position.offset + 1;
  if (count <= 0) return position;
  if (count > position.ids.length) return null;
  const ids = position.ids.slice(count);
  const after = ids.length === 0 ? position.last : position.ids[count - 1]!;
  const until = ids.length === 0 ? new Date(0) : position.until;
  return { ...position, after, offset: offset + 1, ids, until };
}
