import { MESSAGE_STATUS, triggerNumber } from '../../../contracts/webhooks/attempt.js';
import type { AttemptHeadersOut, AttemptOut } from '../../../contracts/webhooks/attempt.js';
import { traceIdOf } from '../../../domain/trace.js';
import { ownBatchHeaders, ownHeaders } from '../../../domain/webhooks/own-headers.js';
import type { AttemptRow } from '../../../store/webhooks/attempt.schema.js';
import type { MessageRow } from '../../../store/webhooks/message.schema.js';
import { messageView } from '../message.view.js';

/** @param message shown with the attempt, its payload where it was read */
export function attemptView(
  row: AttemptRow,
  withContent: boolean,
  message: MessageRow | undefined,
): AttemptOut {
  const statusText = row.ok ? 'success' : 'fail';
  return {
    id: row._id,
    msgId: row.msg,
    endpointId: row.ep,
    url: row.url,
    status: MESSAGE_STATUS[statusText],
    statusText,
    responseStatusCode: row.code,
    responseDurationMs: Math.round(row.durationMs),
    response: withContent ? (row.response ?? '') : '',
    triggerType: triggerNumber(row.trigger),
    timestamp: row.at.toISOString(),
    ...(message === undefined ? {} : { msg: messageView(message, withContent) }),
  };
}

export const attemptHeadersView = (row: AttemptRow): AttemptHeadersOut => ({
  sentHeaders: { ...row.headers, ...ownHeadersOf(row) },
  responseHeaders: row.answerHeaders ?? null,
  sensitive: row.sensitive ?? [],
});

function ownHeadersOf(row: AttemptRow): Record<string, string> {
  const { at, sig: signature, by: version, batch } = row;
  if (batch !== undefined) return ownBatchHeaders({ batchId: batch.id, at, signature, version });
  return ownHeaders({
    messageId: row.msg,
    deliveryId: row.dlv,
    attemptId: row._id,
    traceId: row.trace ?? traceIdOf(row.msg),
    number: row.n,
    at,
    signature,
    version,
  });
}
