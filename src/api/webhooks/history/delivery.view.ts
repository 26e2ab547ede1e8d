import { MESSAGE_STATUS } from '../../../contracts/webhooks/attempt.js';
import { statusOf } from '../../../contracts/webhooks/delivery-list.js';
import type {
  DeliveryOut,
  DeliveryTryOut,
  EndpointMessageOut,
  MessageEndpointOut,
} from '../../../contracts/webhooks/delivery-list.js';
import { RETRY_GRACE_MS, RETRY_LANE } from '../../../contracts/webhooks/delivery.js';
import { traceIdOf } from '../../../domain/trace.js';
import type { AttemptRow } from '../../../store/webhooks/attempt.schema.js';
import type { DeliveryRow } from '../../../store/webhooks/delivery.schema.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import type { MessageRow } from '../../../store/webhooks/message.schema.js';
import { attemptView } from './attempt.view.js';
import { endpointView } from '../endpoint.view.js';
import { messageView } from '../message.view.js';

export const deliveryView = (row: DeliveryRow): DeliveryOut => {
  const nextAt = nextTryAt(row);
  return {
    id: row._id,
    appId: row.app,
    msgId: row.msg,
    endpointId: row.ep,
    eventType: row.type,
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    attempts: row.n,
    ...(nextAt === null ? {} : { nextAt: nextAt.toISOString() }),
    ...(row.q === undefined ? {} : { lane: row.q.l }),
    ...(row.firstAt === null ? {} : { firstAt: row.firstAt.toISOString() }),
    ...(row.lastAt === null ? {} : { lastAt: row.lastAt.toISOString() }),
    ...(row.lastCode === null ? {} : { lastStatusCode: row.lastCode }),
    acceptedAt: row.at.toISOString(),
    traceId: row.trace ?? traceIdOf(row.msg),
  };
};

export const deliveryTryView = (row: AttemptRow): DeliveryTryOut => ({
  ...attemptView(row, true, undefined),
  number: row.n,
  outcome: row.outcome,
  ...(row.why === null ? {} : { why: row.why }),
  ...(row.error === null ? {} : { error: row.error }),
  ...(row.nextAt === null ? {} : { nextAt: row.nextAt.toISOString() }),
  ...(row.ip === null ? {} : { ip: row.ip }),
  ...(row.batch === undefined ? {} : { batch: row.batch }),
  worker: row.worker,
});

export const endpointMessageView = (
  row: DeliveryRow,
  message: MessageRow,
  withContent: boolean,
): EndpointMessageOut => ({ ...messageView(message, withContent), ...deliveryStatus(row) });

export const messageEndpointView = (row: DeliveryRow, endpoint: EndpointRow): MessageEndpointOut => ({
  ...endpointView(endpoint),
  ...deliveryStatus(row),
});

function deliveryStatus(row: DeliveryRow) {
  const statusText = statusOf(row.state);
  const nextAt = nextTryAt(row);
  return {
    status: MESSAGE_STATUS[statusText],
    statusText,
    ...(nextAt === null ? {} : { nextAttempt: nextAt.toISOString() }),
  };
}

// A delivery that a workflow retries is due in the store a while after its try, in case the workflow is lost.
function nextTryAt({ q }: DeliveryRow): Date | null {
  if (q === undefined) return null;
  return q.l === RETRY_LANE ? new Date(q.at.getTime() - RETRY_GRACE_MS) : q.at;
}
