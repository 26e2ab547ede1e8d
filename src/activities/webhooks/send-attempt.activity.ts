import { ApplicationFailure } from '@temporalio/common';
import { RETRY_GRACE_MS, RETRY_LANE } from '../../contracts/webhooks/delivery.js';
import type { SendAttemptInput, SendAttemptResult } from '../../contracts/webhooks/dispatch.js';
import { deliveryTitle } from '../../domain/webhooks/delivery-title.js';
import { homeLane } from '../../domain/webhooks/lane.js';
import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import type { EndpointLaneRepository } from '../../store/webhooks/endpoint-lane.repository.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import { triedOutcome } from './delivery-outcome.js';
import type { DeliveryOutcome } from './delivery-outcome.js';
import type { DeliveryTry } from './delivery-try.js';
import type { LanePages } from './lane/reading/lane-page.js';
import type { ReadyDelivery } from './ready-delivery.js';
import type { ResultFlush } from './result-flush.js';
import { waitingPlace } from './retry-handover.js';
import type { RetryHandover } from './retry-handover.js';

export interface SendAttemptServices {
  deliveries: DeliveryRepository;
  pages: LanePages;
  endpoints: EndpointLaneRepository;
  tries: DeliveryTry;
  flush: ResultFlush;
  handover: RetryHandover;
  /** Number of shared lanes. */
  lanes: number;
}

/** One HTTP try of one delivery for a workflow. Fails only for our own faults; a receiver's failure is a result. */
export function sendAttemptActivity(services: SendAttemptServices) {
  const { deliveries, pages, endpoints, tries, flush, handover, lanes } = services;

  return async function sendAttempt(input: SendAttemptInput): Promise<SendAttemptResult> {
    const manual = input.trigger === 'manual';
    const endpoint = await endpoints.find(input.endpointId);
    const lane = homeLane(endpoint ?? { _id: input.endpointId }, lanes);
    const row = manual ? await deliveries.findOrInsert(input, lane) : await deliveries.find(input.deliveryId);
    if (row === null) throw ApplicationFailure.nonRetryable('there is no such delivery', 'not_found');
    if (!manual && row.q === undefined) return ended(row);
    if (!manual && row.q?.l !== RETRY_LANE) return inLane(row);
    if (endpoint !== null && !endpoint.disabled && isSentByLane(endpoint))
      return giveToLane(row, lane, manual);
    if (manual) row.base = row.n;
    const { ready, untried } = await pages.load([row], input.trigger);
    if (ready[0] === undefined) return untriedResult(row, untried[0]!, manual);
    const outcome = await tryOnce(ready[0], input);
    await flush.add(outcome);
    await startRetry(outcome, manual);
    return triedResult(outcome, manual);
  };

  async function tryOnce(ready: ReadyDelivery, input: SendAttemptInput): Promise<DeliveryOutcome> {
    const { row } = ready;
    const tried = await tries.run(ready, undefined, input.timeoutMs);
    const { nextAt } = tried.judgement;
    const manual = input.trigger === 'manual';
    const outcome = triedOutcome(ready, tried, nextAt === null ? null : place(ready, nextAt, manual));
    if (manual) outcome.change.set.base = row.n;
    return { ...outcome, durable: outcome.durable || manual };
  }

  /** The lane makes the try in its turn; a row that changed meanwhile is looked at again. */
  async function giveToLane(row: DeliveryRow, lane: string, manual: boolean): Promise<SendAttemptResult> {
    const q = { l: lane, at: new Date() };
    const state = row.n === 0 ? ('pending' as const) : ('retrying' as const);
    const set = manual ? { state, base: row.n, ...(row.n === 0 ? {} : { reason: 'resent' }) } : {};
    const refused = await deliveries.write([{ _id: row._id, rev: row.rev, set, q }], true);
    if (refused.size > 0) throw ApplicationFailure.retryable('the delivery changed meanwhile', 'changed');
    return inLane({ ...row, q });
  }

  function place({ endpoint }: ReadyDelivery, nextAt: Date, manual: boolean) {
    if (manual) return waitingPlace(homeLane(endpoint.row, lanes), nextAt, Date.now(), handover);
    return { l: RETRY_LANE, at: new Date(nextAt.getTime() + RETRY_GRACE_MS) };
  }

  async function startRetry(
    { row, endpoint, attempt, change }: DeliveryOutcome,
    manual: boolean,
  ): Promise<void> {
    if (!manual || change.q?.l !== RETRY_LANE) return;
    const nextAt = new Date(change.q.at.getTime() - RETRY_GRACE_MS);
    await handover.start(row, deliveryTitle(row.type, endpoint!.url, row.ep), attempt!.n, nextAt);
  }

  async function untriedResult(
    row: DeliveryRow,
    outcome: DeliveryOutcome,
    manual: boolean,
  ): Promise<SendAttemptResult> {
    const { state, reason } = outcome.change.set;
    if (state === 'held')
      throw ApplicationFailure.retryable(`not sent: ${reason ?? 'held'}`, 'endpoint_unusable');
    if (row.q !== undefined || !manual) await flush.add(outcome);
    return {
      outcome: state as 'canceled' | 'expired',
      n: row.n,
      code: 0,
      why: reason ?? null,
      nextAt: null,
      nextBy: null,
    };
  }
}

/** Only the lane of the endpoint knows its rate, its order and what else is on its way, and whether it is down. */
const isSentByLane = ({ throttleRate, policy, lane }: EndpointRow) =>
  [throttleRate, policy?.fifo, policy?.concurrency, lane].some((limit) => (limit ?? null) !== null);

const triedResult = ({ attempt, judgement }: DeliveryOutcome, manual: boolean): SendAttemptResult => ({
  outcome: judgement!.state,
  n: attempt!.n,
  code: attempt!.code,
  why: judgement!.reason,
  nextAt: judgement!.nextAt?.toISOString() ?? null,
  nextBy: judgement!.nextAt === null ? null : manual ? 'lane' : 'workflow',
});

/** The delivery was finished by somebody else meanwhile. */
const ended = ({ state, n, lastCode, reason }: DeliveryRow): SendAttemptResult => ({
  outcome: state as SendAttemptResult['outcome'],
  n,
  code: lastCode ?? 0,
  why: reason,
  nextAt: null,
  nextBy: null,
});

/** The delivery went back to its lane, which makes the next try. */
const inLane = ({ n, lastCode, reason, q }: DeliveryRow): SendAttemptResult => ({
  outcome: 'retrying',
  n,
  code: lastCode ?? 0,
  why: reason,
  nextAt: q!.at.toISOString(),
  nextBy: 'lane',
});
