import { CommandError } from '../errors.js';
import type { Reading } from '../query/find.js';

/** After so long a read lets others run. */
const TURN_MS = 8;

/** Shares the one thread: asked wherever a read may be interrupted, it now and then waits until others have run. */
export class Turns {
  private since = performance.now();

  constructor(private readonly deadline: number) {}

  /** A promise when it is somebody else's turn. Error 50 past the deadline. */
  next(): Promise<void> | undefined {
    checkDeadline(this.deadline);
    if (performance.now() - this.since < TURN_MS) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        this.since = performance.now();
        resolve();
      }),
    );
  }
}

/** Runs a reading to its end. */
export async function readAll<T>(
  reading: Reading<T>,
  deadline: number,
  each: (one: T) => void,
): Promise<void> {
  const turns = new Turns(deadline);
  for (const one of reading) {
    if (one === undefined) await turns.next();
    else each(one);
  }
}

/** Error 50 if the time that the client gave is over. */
export function checkDeadline(deadline: number): void {
  if (Date.now() > deadline) throw new CommandError('MaxTimeMSExpired', 'operation exceeded time limit');
}
