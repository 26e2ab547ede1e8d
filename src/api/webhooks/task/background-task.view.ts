import type {
  BackgroundTaskOut,
  TaskStartedOut,
  TaskStatus,
} from '../../../contracts/webhooks/background-task.js';
import type { TaskState } from '../../../contracts/webhooks/replay.js';
import type { TaskData } from '../../../contracts/webhooks/task-data.js';
import { isReplay } from '../../../store/webhooks/task/task.schema.js';
import type { ReplayTaskRow, TaskRow, WalkTaskRow } from '../../../store/webhooks/task/task.schema.js';
import type { TaskResult } from './task-results.js';

/** The compatible API knows three: what did not get to its end has failed, whoever ended it. */
const STATUS: Record<TaskState, TaskStatus> = {
  running: 'running',
  paused: 'running',
  finished: 'finished',
  canceled: 'failed',
  failed: 'failed',
};

/** @param result what it found; lists leave it out */
export const backgroundTaskView = (row: TaskRow, result: TaskResult = {}): BackgroundTaskOut => ({
  ...taskStartedView(row),
  data: isReplay(row) ? replayData(row) : walkData(row, result),
});

export const taskStartedView = (row: TaskRow): TaskStartedOut => ({
  id: row._id,
  status: STATUS[row.state],
  task: row.kind,
  updatedAt: row.updatedAt.toISOString(),
});

const replayData = (row: ReplayTaskRow): TaskData => ({
  state: row.state,
  appId: row.app,
  endpointId: row.ep,
  messagesSent: row.sent,
  messagesSkipped: row.skipped,
  ...(row.total === null
    ? {}
    : { messagesTotal: row.total, percent: percentOf(row, row.sent + row.skipped) }),
  ratePerSec: row.ratePerSec,
  since: row.filter.since.toISOString(),
  until: row.filter.until.toISOString(),
  ...(row.reason === null ? {} : { reason: row.reason }),
});

function walkData(row: WalkTaskRow, result: TaskResult): TaskData {
  const { state, seen, total, reason, asked } = row;
  const standing = {
    state,
    ...(total === null ? {} : { percent: percentOf(row, seen) }),
    ...(reason === null ? {} : { reason }),
  };
  if (row.kind === 'application.purge_content') {
    const counts = { messagesPurged: row.counted, messagesSeen: seen };
    return {
      ...standing,
      appId: row.app!,
      ...counts,
      ...(total === null ? {} : { messagesTotal: total }),
    };
  }
  const window =
    asked.since === undefined || asked.until === undefined
      ? {}
      : { since: asked.since.toISOString(), until: asked.until.toISOString() };
  return { ...standing, seen, ...(total === null ? {} : { total }), ...window, ...result };
}

function percentOf({ state, total }: TaskRow, done: number): number {
  if (state === 'finished') return 100;
  return Math.min(99, Math.floor((done * 100) / Math.max(total ?? 0, 1)));
}
