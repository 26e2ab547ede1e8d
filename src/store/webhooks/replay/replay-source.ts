import type { ReplayPlan, ReplayTaskRow } from '../task/task.schema.js';

/** Told when a page goes to the lane: when the nth of its messages is due. */
export interface DueTimes {
  lane: string;
  at: (n: number) => Date;
}

export interface ReplayCount {
  count: number;
  complete: boolean;
}

/** What a kind of task takes its messages from. Neither counting nor planning changes anything. */
export interface ReplaySource {
  /**
   * How many messages the task takes from its beginning.
   * @param mostMs stop looking after this long: then `complete` is false and there are at least as many
   */
  count(task: ReplayTaskRow, mostMs?: number): Promise<ReplayCount>;
  /** The next page after the task's cursor. */
  plan(task: ReplayTaskRow, limit: number): Promise<ReplayPlan>;
  /** Carries out the task's plan, again if need be. @returns how many of its messages this task made due */
  apply(task: ReplayTaskRow, due: DueTimes): Promise<number>;
}
