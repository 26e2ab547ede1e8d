import { MESSAGE_STATUS, triggerNumber } from '../../contracts/webhooks/attempt.js';
import type { AttemptOut } from '../../contracts/webhooks/attempt.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { MessageRow } from '../../store/webhooks/message.schema.js';
import { messageView } from './message.view.js';

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
    response: withContent ? row.response : '',
    triggerType: triggerNumber(row.trigger),
    timestamp: row.at.toISOString(),
    ...(message === undefined ? {} : { msg: messageView(message, false) }),
  };
}
