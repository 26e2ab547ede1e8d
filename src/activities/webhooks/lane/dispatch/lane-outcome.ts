import { homeLane } from '../../../../domain/webhooks/lane.js';
import { orderHeldOutcome, triedOutcome } from '../../delivery-outcome.js';
import type { DeliveryOutcome } from '../../delivery-outcome.js';
import type { ReadyDelivery, TriedDelivery } from '../../ready-delivery.js';
import { waitingPlace } from '../../retry-handover.js';
import type { RetryHandover } from '../../retry-handover.js';

/** What a try in a lane means for its delivery. It goes on in the lane that its endpoint has by now. */
export function laneOutcome(
  delivery: ReadyDelivery,
  tried: TriedDelivery,
  { laneCount, handover }: { laneCount: number; handover: RetryHandover },
): DeliveryOutcome {
  const { row, endpoint } = delivery;
  const { state, nextAt } = tried.judgement;
  const lane = homeLane(endpoint.row, laneCount);
  const q = nextAt === null ? null : waitingPlace(lane, nextAt, Date.now(), handover);
  const outcome = triedOutcome(delivery, tried, q);
  const holdsOrder = row.fk !== undefined && endpoint.row.policy?.fifo?.onExhausted === 'hold';
  return state === 'exhausted' && holdsOrder ? orderHeldOutcome(outcome, lane) : outcome;
}
