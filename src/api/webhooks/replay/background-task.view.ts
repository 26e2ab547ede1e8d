import type { BackgroundTaskOut, TaskStatus } from '../../../contracts/webhooks/background-task.js';
import type { TaskState } from '../../../contracts/webhooks/replay.js';
import type { TaskRow } from '../../../store/webhooks/replay/task.schema.js';

/** The compatible API knows three: what did not get to its end has failed, whoever ended it. */
const STATUS: Record<TaskState, TaskStatus> = {
  running: 'running',
  paused: 'running',
  finished: 'finished',
  canceled: 'failed',
  failed: 'failed',
};

export const backgroundTaskView = (row: TaskRow): BackgroundTaskOut => ({
  id: row._id,
  status: STATUS[row.state],
  task: row.kind,
  updatedAt: row.updatedAt.toISOString(),
  data: {
    state: row.state,
    appId: row.app,
    endpointId: row.ep,
    messagesSent: row.sent,
    messagesSkipped: row.skipped,
    ...(row.total === null ? {} : { messagesTotal: row.total, percent: percentOf(row) }),
    ratePerSec: row.ratePerSec,
    since: row.filter.since.toISOString(),
    until: row.filter.until.toISOString(),
    ...(row.reason === null ? {} : { reason: row.reason }),
  },
});

function percentOf({ state, total, sent, skipped }: TaskRow): number {
  if (state === 'finished') return 100;
  return Math.min(99, Math.floor(((sent + skipped) * 100) / Math.max(total ?? 0, 1)));
}
