import { probeWaitMs } from '../../domain/webhooks/breaker.js';
import type { Circuit, EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import type { EndpointLaneRepository } from '../../store/webhooks/endpoint-lane.repository.js';
import type { Recoveries } from './recoveries.js';

export interface ProbeTimes {
  /** Before the first probe; each next wait is twice as long. */
  firstMs: number;
  maxMs: number;
}

/** Opens and closes the breakers of endpoints. The row is written first, the workflow started after it. */
export class Circuits {
  constructor(
    private readonly endpoints: EndpointLaneRepository,
    private readonly recoveries: Recoveries,
    private readonly times: ProbeTimes,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * Takes an endpoint for down: new deliveries go to a lane of its own, and a workflow probes it.
   * @param notBefore when the receiver wants to be asked again
   * @returns false when its breaker is open already, or it is disabled
   */
  async open(endpoint: EndpointRow, why: string, notBefore: Date | null): Promise<boolean> {
    const nextProbeAt = this.nextProbeAt(0, notBefore);
    const circuit: Circuit = { state: 'open', since: new Date(), trips: 1, nextProbeAt, why };
    if (!(await this.endpoints.open(endpoint, circuit))) return false;
    endpoint.lane = endpoint._id;
    endpoint.circuit = circuit;
    await this.recoveries.start(endpoint);
    return true;
  }

  /** It was down again while it was drained. */
  async reopen(endpoint: EndpointRow): Promise<Date> {
    const nextProbeAt = this.nextProbeAt(0, null);
    const trips = (endpoint.circuit?.trips ?? 0) + 1;
    await this.endpoints.note(endpoint._id, { state: 'open', trips, nextProbeAt });
    return nextProbeAt;
  }

  nextProbeAt(probeNo: number, notBefore: Date | null): Date {
    const askedMs = notBefore === null ? 0 : notBefore.getTime() - Date.now();
    return new Date(Date.now() + probeWaitMs(probeNo, this.random(), this.times, askedMs));
  }
}
