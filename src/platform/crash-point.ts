import { unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Places between two steps that a crash may separate. A crash test has a process die at one of them. */
export const CRASH_POINTS = {
  message_stored: 'api: a message is stored, its 202 is not sent',
  accepted: 'api: the 202 is sent, the delivery rows are not stored',
  endpoint_written: 'api: an endpoint (its keys, say) is changed, its application does not tell so yet',
  receiver_answered: 'worker: the receiver has taken a delivery, the result is not stored',
  attempts_stored: 'worker: attempts are stored, their deliveries are not changed',
  replay_planned: 'worker: a page of a replay is planned, no delivery is due again',
  replay_applied: 'worker: the deliveries of a page are due again, the page is not closed',
  lane_parked: 'worker: a lane is about to be left, its lease is not released',
  lane_taken: 'worker: the lease of a lane is taken, nothing of it is sent',
  lane_rows_moved: 'worker: deliveries went to another lane, the mover does not know it yet',
} as const;

export type CrashPoint = keyof typeof CRASH_POINTS;

let folder: string | null = null;

/**
 * From now on this process dies at each point that has a file of its name in `path`, and removes the file first: one
 * file is one death, of one process. Without this call a point costs a comparison and does nothing.
 */
export function armCrashPoints(path: string): void {
  folder = path;
}

/** Ends the process without any clean-up if a test wants it to die here. */
export function crashPoint(point: CrashPoint): void {
  if (isToCrash(point)) die();
}

/** Whether a test wants a death here; the caller then sees to it that the moment is right, and calls `die`. */
export function isToCrash(point: CrashPoint): boolean {
  if (folder === null) return false;
  try {
    unlinkSync(join(folder, point));
    return true;
  } catch {
    return false; // not armed, or another process was first
  }
}

export function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
