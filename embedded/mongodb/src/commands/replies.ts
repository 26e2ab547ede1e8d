import { Binary } from 'bson';
import type { Timestamp } from 'bson';
import { BDoc, double } from '../bson/values.js';
import type { CommandError } from '../errors.js';
import { toTimestamp } from '../storage/commit-clock.js';
import type { Services } from './context.js';

/** `{ok: 0, ...}` for an error; `labels` are those of a fail point. */
export function errorReply(
  error: CommandError,
  labelsOf: ((code: number) => string[]) | null,
  labels?: string[],
): BDoc {
  const reply = BDoc.of(
    ['ok', double(0)],
    ['errmsg', error.message],
    ['code', error.code],
    ['codeName', error.codeName],
  );
  if (error.keyPattern) reply.set('keyPattern', error.keyPattern);
  if (error.keyValue) reply.set('keyValue', error.keyValue);
  if (error.errInfo) reply.set('errInfo', error.errInfo);
  const all = labels ?? [...error.labels, ...(labelsOf?.(error.code) ?? [])];
  if (all.length > 0) reply.set('errorLabels', all);
  return reply;
}

/** The encoded `$clusterTime` of the newest commit; it changes far less often than replies are sent. */
let cached: { time: number; timestamp: Timestamp; clusterTime: BDoc } | null = null;

/** Adds `$clusterTime` and `operationTime`, which every reply of a replica set carries. */
export function finishReply({ engine }: Pick<Services, 'engine'>, reply: BDoc): BDoc {
  const time = engine.clock.current;
  if (cached?.time !== time) {
    const timestamp = toTimestamp(time);
    cached = { time, timestamp, clusterTime: BDoc.fromBytes(clusterTime(timestamp).toBytes()) };
  }
  return reply.set('$clusterTime', cached.clusterTime).set('operationTime', cached.timestamp);
}

function clusterTime(timestamp: Timestamp): BDoc {
  // Signed with zeros and key 0, as a server without authentication does.
  return BDoc.of(['clusterTime', timestamp], ['signature', BDoc.of(['hash', NO_HASH], ['keyId', 0n])]);
}

const NO_HASH = new Binary(Buffer.alloc(20));
