import type { WalkedPage } from './walk-task.repository.js';
import type { WalkTaskRow } from './task.schema.js';

/** A page, and its part of the result. */
export interface WalkedItems extends Omit<WalkedPage, 'bytes'> {
  items: object[];
}

/** Why a task must not go on, in an error code's words. */
export interface WalkEnd {
  failed: string;
}

/** What a kind of task does. Counting changes nothing; a page may be walked again after a crash. */
export interface TaskWalk {
  /** How many rows there are to look at, about. */
  count(task: WalkTaskRow): Promise<number>;
  /** @returns null when the task is no longer as it was read */
  page(task: WalkTaskRow): Promise<WalkedItems | WalkEnd | null>;
}
