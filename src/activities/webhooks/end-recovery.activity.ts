import type { EndpointLaneRepository } from '../../store/webhooks/endpoint-lane.repository.js';
import type { Dispatchers } from './dispatchers.js';
import type { EndpointHealth } from './endpoint-health.js';

/** Closes the breaker of an endpoint. One that keeps a lane of its own gets its dispatcher back. */
export function closeCircuitActivity(endpoints: EndpointLaneRepository, dispatchers: Dispatchers) {
  return async function closeCircuit({
    endpointId,
  }: {
    endpointId: string;
  }): Promise<{ keepsLane: boolean }> {
    const endpoint = await endpoints.find(endpointId);
    if (endpoint === null) return { keepsLane: false };
    await endpoints.close(endpoint);
    const keepsLane = (await endpoints.find(endpointId))?.lane === endpointId;
    if (keepsLane) await dispatchers.ensure(endpointId);
    return { keepsLane };
  };
}

/** Disables an endpoint because somebody decided so. */
export function disableEndpointActivity(endpoints: EndpointLaneRepository, health: EndpointHealth) {
  return async function disableEndpoint({ endpointId }: { endpointId: string }): Promise<void> {
    const endpoint = await endpoints.find(endpointId);
    if (endpoint !== null) await health.disable(endpoint, 'manual');
  };
}
