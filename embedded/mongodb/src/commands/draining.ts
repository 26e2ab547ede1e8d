import { timeExceeded } from '../cursor/cursor.js';
import type { Reading } from '../query/find.js';

const BATCH = 1024;
/** After so long a read lets others run. */
const TURN_MS = 8;

/** A whole reading in batches, with a pause for others wherever it may be interrupted. */
export async function* drained<T>(reading: Reading<T>, deadline: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let turn = performance.now();
  for (const one of reading) {
    if (one !== undefined) batch.push(one as T);
    if (batch.length >= BATCH) {
      yield batch;
      batch = [];
    }
    if (one !== undefined || performance.now() - turn < TURN_MS) continue;
    if (Date.now() > deadline) throw timeExceeded();
    await new Promise(setImmediate);
    turn = performance.now();
  }
  yield batch;
}
