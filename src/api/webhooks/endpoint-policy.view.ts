import type { ContentFilter } from '../../contracts/webhooks/content-filter.js';
import type { EndpointPolicyOut } from '../../contracts/webhooks/endpoint-policy.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';

export const endpointPolicyView = ({ policy, filter, circuit }: EndpointRow): EndpointPolicyOut => ({
  retrySchedule: policy?.retrySchedule ?? null,
  timeoutMs: policy?.timeoutMs ?? null,
  concurrency: policy?.concurrency ?? null,
  fifo: policy?.fifo ?? null,
  filter: filter == null ? null : (JSON.parse(filter) as ContentFilter),
  breaker: policy?.breaker ?? null,
  batch: policy?.batch ?? null,
  circuit: {
    state: circuit?.state ?? 'closed',
    since: circuit?.since.toISOString() ?? null,
    trips: circuit?.trips ?? 0,
    nextProbeAt: circuit?.nextProbeAt?.toISOString() ?? null,
  },
});
