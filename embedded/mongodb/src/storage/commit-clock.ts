import { Timestamp } from 'bson';

/** Increments that fit beside 32-bit seconds in a safe integer (2^32 * 2^21 = 2^53). */
const INCREMENTS = 2 ** 21;

/**
 * Gives every write its commit time. A time is kept as one safe integer, `seconds * 2^21 + increment`, because a
 * BSON timestamp read as an integer is above 2^53. Times only ascend, also when the system clock goes back.
 */
export class CommitClock {
  /** `current` is the newest time handed out. */
  constructor(public current: number) {}

  next(): number {
    const now = Math.floor(Date.now() / 1000) * INCREMENTS + 1;
    this.current = Math.max(now, this.current + 1);
    return this.current;
  }
}

export function toTimestamp(time: number): Timestamp {
  return new Timestamp({ t: Math.floor(time / INCREMENTS), i: time % INCREMENTS });
}

/** The commit time of a timestamp; increments beyond our range count as the last one of their second. */
export function fromTimestamp(timestamp: Timestamp): number {
  return (
    timestamp.getHighBitsUnsigned() * INCREMENTS + Math.min(timestamp.getLowBitsUnsigned(), INCREMENTS - 1)
  );
}
