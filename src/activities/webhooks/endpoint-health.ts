import { isNotReceivers } from '../../domain/webhooks/answer.js';
import type { Logger } from 'pino';
import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import type { EndpointHealthRepository } from '../../store/webhooks/endpoint-health.repository.js';
import type { OutboxBell } from '../../store/webhooks/operational/outbox-bell.js';
import type { DeliveryOutcome } from './delivery-outcome.js';

/** Percent of the time until an endpoint is disabled at which its owner is warned. */
const WARNINGS = [75, 50];

/**
 * What results mean for their endpoints: since when they fail, and whether they are disabled. The owner is told by an
 * event in the same write.
 */
export class EndpointHealth {
  /** @param disableAfterMs with every try failed for this long an endpoint is disabled; 0 = never */
  constructor(
    private readonly endpoints: EndpointHealthRepository,
    private readonly deliveries: DeliveryRepository,
    private readonly bell: OutboxBell,
    private readonly log: Logger,
    private readonly disableAfterMs: number,
  ) {}

  /** Safe to repeat. */
  async apply(outcomes: readonly DeliveryOutcome[]): Promise<void> {
    await this.#noteFailing(outcomes);
    const disabled = new Set<string>();
    for (const outcome of outcomes) {
      const { endpoint, attempt } = outcome;
      if (endpoint === null || attempt === null || disabled.has(endpoint.row._id)) continue;
      const reason = this.#reasonToDisable(outcome);
      if (reason !== null) {
        disabled.add(endpoint.row._id);
        await this.disable(endpoint.row, reason);
      } else if (!attempt.ok) await this.#warn(endpoint.row, attempt.at);
    }
  }

  /** Ends what is open for the endpoint: given up where it failed too long, so that it can be recovered; else canceled. */
  async disable(endpoint: EndpointRow, reason: string): Promise<void> {
    const { _id, app } = endpoint;
    endpoint.disabled = true;
    const done = await this.endpoints.disable(endpoint, reason, new Date());
    await this.deliveries.cancelOpen(
      { ep: _id },
      'endpoint_disabled',
      reason === 'failing' ? 'exhausted' : 'canceled',
    );
    if (!done) return;
    this.log.warn({ endpoint: _id, app, reason }, 'the endpoint is disabled');
    this.bell.ring();
  }

  async #noteFailing(outcomes: readonly DeliveryOutcome[]): Promise<void> {
    const changes = new Map<string, Date | null>();
    for (const { endpoint, attempt } of outcomes) {
      if (endpoint === null || attempt === null || isNotReceivers(attempt.errorCode)) continue;
      const failing = attempt.ok ? null : (endpoint.row.failingSince ?? attempt.at);
      if (failing === endpoint.row.failingSince) continue;
      endpoint.row.failingSince = failing;
      if (failing === null) delete endpoint.row.warned;
      changes.set(endpoint.row._id, failing);
    }
    await this.endpoints.setFailing(changes);
  }

  async #warn(endpoint: EndpointRow, at: Date): Promise<void> {
    const percent = this.#failedPercent(endpoint, at);
    const level = WARNINGS.find((warning) => percent >= warning);
    if (level === undefined || level <= (endpoint.warned ?? 0)) return;
    endpoint.warned = level;
    const since = endpoint.failingSince!;
    const disableAt = new Date(since.getTime() + this.disableAfterMs).toISOString();
    const warning = { failSince: since.toISOString(), percent: level, disableAt };
    if (!(await this.endpoints.warn(endpoint, level, warning))) return;
    this.log.warn({ endpoint: endpoint._id, app: endpoint.app, ...warning }, 'the endpoint fails on and on');
    this.bell.ring();
  }

  #reasonToDisable({ endpoint, judgement, attempt, isProbe }: DeliveryOutcome): string | null {
    if (judgement === null || endpoint === null || attempt === null) return null;
    if (judgement.disableEndpoint !== null) return judgement.disableEndpoint;
    const decides = isProbe === true || judgement.state === 'exhausted';
    return decides && this.#failedPercent(endpoint.row, attempt.at) >= 100 ? 'failing' : null;
  }

  #failedPercent({ failingSince }: EndpointRow, at: Date): number {
    if (failingSince === null || this.disableAfterMs === 0) return 0;
    return ((at.getTime() - failingSince.getTime()) / this.disableAfterMs) * 100;
  }
}
