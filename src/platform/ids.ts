import { createHash, randomFillSync } from 'node:crypto';
import { ksuid, KSUID_TAIL_BYTES, ksuidTimeMs } from '../domain/ksuid.js';

export type IdPrefix =
  'app' | 'ep' | 'msg' | 'dlv' | 'atmpt' | 'key' | 'req' | 'wrk' | 'qtask' | 'in' | 'poll';

let lastTick = 0;
let sequence = 0;
const pool = Buffer.alloc(KSUID_TAIL_BYTES * 256);
let used = pool.length;

/** A new prefixed id, e.g. `msg_2rK…`. Ids of one process ascend strictly, even if the clock steps back. */
export function newId(prefix: IdPrefix, nowMs = Date.now()): string {
  if (nowMs > lastTick) {
    lastTick = nowMs;
    sequence = 0;
  } else if (++sequence > 0xffff) {
    lastTick += 1;
    sequence = 0;
  }
  return `${prefix}_${ksuid(lastTick, sequence, randomTail())}`;
}

/**
 * As `newId`, but above an id that another process made, whose clock may be ahead: from then on the ids of this process
 * go on from there (a hybrid logical clock, Kulkarni et al. 2014).
 */
export function newIdAbove(floor: string | null, prefix: IdPrefix, nowMs = Date.now()): string {
  const id = newId(prefix, nowMs);
  if (floor === null || id > floor) return id;
  lastTick = Math.floor(ksuidTimeMs(floor.slice(floor.indexOf('_') + 1))) + 1;
  sequence = 0;
  return newId(prefix, nowMs);
}

/**
 * The id of the delivery of a message to an endpoint: derived, so that whoever inserts the row (accept, sweeper,
 * replay) writes the same one and a second insert is a harmless duplicate.
 */
export function deliveryId(messageId: string, endpointId: string): string {
  const hash = createHash('sha256').update(messageId).update(endpointId).digest();
  const timeMs = ksuidTimeMs(messageId.slice(messageId.indexOf('_') + 1));
  // From the middle of its 1/65536 s: a double of milliseconds is too coarse to hit the same one from its edge.
  return `dlv_${ksuid(timeMs + 500 / 65_536, hash.readUInt16BE(30), hash)}`;
}

/** The id of messages that are sent together: derived, so that the same ones have it again in another request. */
export function batchId(messageIds: readonly string[]): string {
  const hash = createHash('sha256').update(messageIds.join()).digest();
  const first = messageIds[0]!;
  const timeMs = ksuidTimeMs(first.slice(first.indexOf('_') + 1));
  return `batch_${ksuid(timeMs + 500 / 65_536, hash.readUInt16BE(30), hash)}`;
}

// One call into the system's generator serves 256 ids.
function randomTail(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += KSUID_TAIL_BYTES;
  return pool.subarray(used - KSUID_TAIL_BYTES, used);
}
