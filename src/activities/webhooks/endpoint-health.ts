import { DISABLE_AFTER_MS } from '../../domain/webhooks/auto-disable.js';
import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';
import type { EndpointHealthRepository } from '../../store/webhooks/endpoint-health.repository.js';
import type { DeliveryOutcome } from './delivery-outcome.js';
import type { PreparedEndpoint } from './prepared-endpoints.js';

/** What results mean for their endpoints: since when they fail, and whether they are disabled. */
export class EndpointHealth {
  constructor(
    private readonly endpoints: EndpointHealthRepository,
    private readonly deliveries: DeliveryRepository,
  ) {}

  /** Safe to repeat. */
  async apply(outcomes: readonly DeliveryOutcome[]): Promise<void> {
    await this.#noteFailing(outcomes);
    for (const outcome of outcomes) {
      const reason = reasonToDisable(outcome);
      if (reason !== null && outcome.endpoint !== null) await this.#disable(outcome.endpoint, reason);
    }
  }

  async #noteFailing(outcomes: readonly DeliveryOutcome[]): Promise<void> {
    const changes = new Map<string, Date | null>();
    for (const { endpoint, attempt } of outcomes) {
      if (endpoint === null || attempt === null) continue;
      const failing = attempt.ok ? null : (endpoint.row.failingSince ?? attempt.at);
      if (failing === endpoint.row.failingSince) continue;
      endpoint.row.failingSince = failing;
      changes.set(endpoint.row._id, failing);
    }
    await this.endpoints.setFailing(changes);
  }

  async #disable(endpoint: PreparedEndpoint, reason: string): Promise<void> {
    const { _id, app } = endpoint.row;
    endpoint.row.disabled = true;
    await this.endpoints.disable(_id, app, reason, new Date());
    await this.deliveries.cancelOpen({ ep: _id }, 'endpoint_disabled');
  }
}

function reasonToDisable({ endpoint, judgement, attempt }: DeliveryOutcome): string | null {
  if (judgement === null || endpoint === null || attempt === null) return null;
  if (judgement.disableEndpoint !== null) return judgement.disableEndpoint;
  const since = endpoint.row.failingSince;
  const failedLong = since !== null && attempt.at.getTime() - since.getTime() >= DISABLE_AFTER_MS;
  return judgement.state === 'exhausted' && failedLong ? 'failing' : null;
}
