import type { ReplayKind, TaskState } from './replay.js';

/** Long jobs that walk through what is stored, as workflows and the store know them. No zod: workflows import it. */

export const TASK_WORKFLOW = 'webhookTask';
export const taskWorkflowId = (taskId: string): string => `${TASK_WORKFLOW}/${taskId}`;

/** Task names of the compatible API that are not about one endpoint. */
export type WalkKind =
  | 'application.purge_content'
  | 'application.stats'
  | 'event-type.aggregate'
  | 'message.broadcast'
  | 'sdk.generate';
export type TaskKind = ReplayKind | WalkKind;

/** Ids only: where the task stands is in its row, and the row decides. */
export interface TaskInput {
  taskId: string;
  /** The only application it is about; null = all of them. */
  appId: string | null;
  /** What an operator sees, e.g. `application.purge_content of app_…`. */
  title: string;
}

/** A task after a page. */
export interface TaskProgress {
  state: TaskState;
  /** How many rows there were to look at when it began; null until they are counted. */
  total: number | null;
  /** Rows looked at. */
  seen: number;
  /** Rows it did something with, or that are in its result. */
  counted: number;
  /** Why it ended before its end. */
  reason: string | null;
}

export interface TaskActivities {
  /** Counts what there is to look at and keeps the number. */
  countTask(input: { taskId: string }): Promise<void>;
  /** Goes on for some seconds. Safe to run twice. */
  taskPages(input: { taskId: string }): Promise<TaskProgress>;
  /** Writes into the row what was asked of the workflow. */
  steerTask(input: { taskId: string; steering: TaskSteering }): Promise<void>;
}

/** What an operator may ask of a task that has not ended. */
export type TaskSteering = { action: 'pause' | 'resume' } | { action: 'cancel'; reason: string };
