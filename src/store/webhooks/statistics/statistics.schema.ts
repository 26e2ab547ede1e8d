/** Counters by name. */
type Counters = Record<string, number>;

/**
 * What was counted for an endpoint or an application in one minute, hour or day; counters that are missing are 0. The id
 * (`bucketId`) is the only index: reading a window is a range of ids, writing is an increment by id.
 */
export interface StatisticsRow {
  _id: string;
  /** Tries. */
  n?: number;
  /** Bytes of bodies sent. */
  bytes?: number;
  /** Tries that were not the first of their delivery. */
  retries?: number;
  delivered?: number;
  /** Delivered at the first try. */
  first?: number;
  exhausted?: number;
  canceled?: number;
  /** Tries by how they ended. */
  c?: Counters;
  /** Histogram of the tries' durations (`bucketOfMs`). */
  t?: Counters;
  /** Histogram from accept to delivered. */
  l?: Counters;
  /** Applications only: tries by event type, with `/` for the dots of its name. */
  y?: Record<string, { delivered?: number; failed?: number; canceled?: number }>;
}
