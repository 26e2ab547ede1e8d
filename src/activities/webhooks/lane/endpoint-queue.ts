/** What waits for one endpoint in a lane, and how much of it may go at a time. */
export interface EndpointQueue<T> {
  waiting: T[];
  concurrency: number;
  ratePerSec: number | null;
  /** Runs while the endpoint waits for its rate. */
  rateTimer: NodeJS.Timeout | undefined;
  active: number;
  lastDoneMs: number;
  slowUntilMs: number;
  /** Share of the limit while slowed down: 1, 1/2, 1/4, ... */
  share: number;
  /** Rows were left in the store because this endpoint had no room. */
  refused: boolean;
  /** Rows were left in the store since it last had nothing waiting here. */
  crowded: boolean;
}

export const emptyQueue = <T>(concurrency: number, nowMs: number): EndpointQueue<T> => ({
  ...{ waiting: [], concurrency, ratePerSec: null, rateTimer: undefined, active: 0, lastDoneMs: nowMs },
  ...{ slowUntilMs: 0, share: 1, refused: false, crowded: false },
});
