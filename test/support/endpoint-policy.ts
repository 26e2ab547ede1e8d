import type { EndpointPolicy } from '../../src/contracts/webhooks/endpoint-policy.js';

/**
 * A policy of defaults, and no breaker: tries that fail on purpose and come back before slower ones that succeed would
 * open it, and nothing probes the endpoint where no recovery workflow runs.
 */
export const withoutBreaker = (more: Partial<EndpointPolicy> = {}): { policy: EndpointPolicy } => ({
  policy: {
    ...{ retrySchedule: null, timeoutMs: null, concurrency: null, fifo: null, breaker: 'off' },
    ...more,
  },
});
