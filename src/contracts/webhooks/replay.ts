/** Long jobs that have an endpoint's messages sent again, as workflows and the store know them. */

export const REPLAY_WORKFLOW = 'webhookReplay';
export const replayId = (taskId: string): string => `${REPLAY_WORKFLOW}/${taskId}`;

/** Task names of the compatible API: failed ones, ones that were never sent there, any by filter. */
export type ReplayKind = 'endpoint.recover' | 'endpoint.replay' | 'endpoint.bulk-replay';

/** `finished` means that everything found is due; deliveries then go their usual way. */
export type TaskState = 'running' | 'paused' | 'finished' | 'canceled' | 'failed';

/** Messages made due a second: the default, and what may be asked for. */
export const REPLAY_RATE = { initial: 50, least: 1, most: 1000 } as const;

/** Which messages a task takes; null = whatever. Times are those of the accept. */
export interface ReplayFilter {
  since: Date;
  until: Date;
  eventTypes: string[] | null;
  channel: string | null;
  tag: string | null;
  /** Message status number of the compatible API. */
  status: number | null;
  /** 0, 100, ..., 500: class of the last answer. */
  statusCodeClass: number | null;
}

/** Ids only: where the task stands is in its row, and the row decides. */
export interface ReplayInput {
  taskId: string;
  appId: string;
  endpointId: string;
  /** What an operator sees, e.g. `recover https://erp.example (ep_…)`. */
  title: string;
}

/** A task after a page. */
export interface ReplayProgress {
  state: TaskState;
  /** How many the preview counted; null before it. */
  total: number | null;
  sent: number;
  /** Found and left out: changed meanwhile, or their payload is no longer stored. */
  skipped: number;
  ratePerSec: number;
  /** When the next page is to be planned. */
  waitMs: number;
  /** Why it ended before its end. */
  reason: string | null;
}

/** What an operator may ask of a task that has not ended. */
export type Steering =
  | { action: 'pause' | 'resume' }
  | { action: 'cancel'; reason: string }
  | { action: 'setRate'; ratePerSec: number };

export interface ReplayActivities {
  /** Counts what the task will take and keeps the number. */
  previewReplay(input: { taskId: string }): Promise<void>;
  /** Makes the next page of messages due. Safe to run twice: a planned page is finished, not planned again. */
  replayPage(input: { taskId: string }): Promise<ReplayProgress>;
  /** Writes into the row what was asked of the workflow. */
  steerReplay(input: { taskId: string; steering: Steering }): Promise<void>;
}
