import { fifoKey } from '../../domain/webhooks/fifo-key.js';
import { deliveryId } from '../../platform/ids.js';
import type { OwnLane } from './cached-application.js';
import type { MessageTarget } from './message.schema.js';

/** The target of an endpoint with a lane of its own; null where it has none. */
export function ownTarget(
  messageId: string,
  e: string,
  payload: Record<string, unknown>,
  ownLanes: ReadonlyMap<string, OwnLane>,
): MessageTarget | null {
  const own = ownLanes.get(e);
  if (own === undefined) return null;
  const target = { d: deliveryId(messageId, e), e, l: own.lane };
  return own.fifo === null ? target : { ...target, f: fifoKey(own.fifo, payload) };
}
