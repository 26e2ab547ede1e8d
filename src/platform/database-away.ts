// By name: the platform does not import the driver, which is the store's alone.
const AWAY = new Set([
  'MongoServerSelectionError',
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoNotConnectedError',
  'MongoPoolClearedError',
  'MongoPoolClearedOnNetworkError',
  'MongoWaitQueueTimeoutError',
  'MongoTopologyClosedError',
  'MongooseServerSelectionError',
]);

/** Whether something failed because the database does not answer: nothing is known about what was written. */
export const isDatabaseAway = (thrown: unknown): boolean =>
  thrown instanceof Error && (AWAY.has(thrown.name) || isLostBulkWrite(thrown));

// What the driver makes of any of these, and of a missing acknowledgement, while it writes several documents.
const isLostBulkWrite = (thrown: Error & { writeErrors?: unknown[] }): boolean =>
  thrown.name === 'MongoBulkWriteError' && thrown.writeErrors?.length === 0;
