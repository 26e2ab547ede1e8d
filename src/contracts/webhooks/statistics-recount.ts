export const STATISTICS_WORKFLOW = 'webhookStatistics';
/** Results may be written this long after their try began: only then is a day over. */
export const LATE_RESULT_MS = 600_000;

export interface RecountResult {
  /** Attempts that were counted. */
  attempts: number;
  /** Buckets that were not as counted, and are now. */
  repaired: number;
}

/** What the nightly check of statistics is made of. */
export interface StatisticsActivities {
  /** Counts a day again, `YYYY-MM-DD` in UTC. */
  recountStatistics(day: string): Promise<RecountResult>;
  /** Removes what is older than it is kept. @returns how many buckets */
  pruneStatistics(): Promise<number>;
}
