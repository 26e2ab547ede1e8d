import { Context } from '@temporalio/activity';

const BEAT_MS = 5000;

/** Heartbeats while the work goes on: that this process lives is all that its caller wants to know. */
export async function withHeartbeats<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}
