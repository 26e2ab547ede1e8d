import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ProbeResult } from '../../contracts/webhooks/dispatch.js';
import { isNotReceivers } from '../../domain/webhooks/answer.js';
import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import type { EndpointLaneRepository } from '../../store/webhooks/endpoint-lane.repository.js';
import type { FifoRepository } from '../../store/webhooks/fifo.repository.js';
import type { LaneBacklogRepository } from '../../store/webhooks/lane-backlog.repository.js';
import type { SweepRepository } from '../../store/webhooks/sweep.repository.js';
import type { Circuits } from './circuits.js';
import { probedOutcome, triedOutcome } from './delivery-outcome.js';
import type { DeliveryTry } from './delivery-try.js';
import { FifoReader } from './lane/reading/fifo-reader.js';
import type { LanePages } from './lane/reading/lane-page.js';
import type { LaneService } from './lane/lane-service.js';
import type { TriedDelivery } from './ready-delivery.js';
import type { ResultFlush } from './result-flush.js';

export interface RecoveryServices {
  lanes: LaneService;
  deliveries: DeliveryRepository;
  endpoints: EndpointLaneRepository;
  backlog: LaneBacklogRepository;
  fifo: FifoRepository;
  sweeps: SweepRepository;
  pages: LanePages;
  tries: DeliveryTry;
  flush: ResultFlush;
  circuits: Circuits;
}

const MAX_COUNTED = 10_000;
const IDLE = { why: null, nextProbeAt: null };

/** Tries the oldest delivery that waits for an endpoint, as the owner of its lane. */
export function probeEndpointActivity(services: RecoveryServices) {
  const { lanes, deliveries, endpoints, backlog, fifo, sweeps, pages, tries, flush, circuits } = services;

  return async function probeEndpoint(input: { endpointId: string; probeNo: number }): Promise<ProbeResult> {
    const { endpointId } = input;
    const { cancellationSignal } = Context.current();
    const endpoint = await endpoints.find(endpointId);
    const waiting = await backlog.dueInLane(endpointId, endpointId, new Date(), MAX_COUNTED);
    if (endpoint === null || !isProbed(endpoint)) return { ...IDLE, outcome: 'ended', waiting };
    const result = await lanes.asOwner(endpointId, cancellationSignal, async (lost) => {
      const row = await oldest(endpoint);
      return row === null ? ({ ...IDLE, outcome: 'idle' } as const) : probe(row, lost, input.probeNo);
    });
    if (result === null) throw ApplicationFailure.retryable('the lane could not be had', 'lane_busy');
    return { ...result, waiting };
  };

  async function oldest(endpoint: EndpointRow): Promise<DeliveryRow | null> {
    const lane = endpoint._id;
    const { rows, fifo: progress } = lanes.memory(lane);
    const ordered = (endpoint.policy?.fifo ?? null) !== null;
    const found = ordered
      ? (await new FifoReader(fifo, sweeps, lane, progress).read(endpoint, [])).rows
      : await deliveries.due(lane, { now: new Date(), limit: 1, skipEndpoints: [] });
    return found.find((row) => rows.isFree(row)) ?? null;
  }

  async function probe(
    row: DeliveryRow,
    lost: AbortSignal,
    probeNo: number,
  ): Promise<Omit<ProbeResult, 'waiting'>> {
    const { ready, untried } = await pages.load([row]);
    for (const outcome of untried) await flush.add(outcome);
    if (ready[0] === undefined) return { ...IDLE, outcome: 'idle' };
    const tried = await tries.run(ready[0], lost);
    const { state, reason, errorCode, nextAt } = tried.judgement;
    if (isNotReceivers(errorCode)) {
      await flush.add(triedOutcome(ready[0], tried, nextAt === null ? null : { l: row.ep, at: nextAt }));
      return { ...IDLE, outcome: 'idle' };
    }
    const taken = state === 'delivered';
    const ended = taken || state === 'canceled';
    await flush.add(ended ? triedOutcome(ready[0], tried, null) : probedOutcome(ready[0], tried, row.ep));
    if (taken) {
      await endpoints.note(row.ep, { state: 'half_open', nextProbeAt: null });
      return { ...IDLE, outcome: 'taken' };
    }
    return failed(row.ep, reason ?? 'failed', tried, probeNo);
  }

  async function failed(ep: string, why: string, tried: TriedDelivery, probeNo: number) {
    const after = await endpoints.find(ep);
    if (after === null || !isProbed(after)) return { ...IDLE, why, outcome: 'ended' as const };
    const nextProbeAt = circuits.nextProbeAt(probeNo + 1, tried.judgement.slowUntil);
    await endpoints.note(ep, { state: 'open', nextProbeAt, why });
    return { outcome: 'failed' as const, why, nextProbeAt: nextProbeAt.toISOString() };
  }
}

const isProbed = ({ circuit, disabled, deletedAt }: EndpointRow) =>
  circuit !== undefined && !disabled && deletedAt === null;
