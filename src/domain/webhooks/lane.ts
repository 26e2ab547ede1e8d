/** The shared lane of an endpoint, `p0`..`p<lanes-1>`: FNV-1a of its id, so that it is the same in every process. */
export function laneOf(endpointId: string, lanes: number): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < endpointId.length; i++) {
    hash ^= endpointId.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return `p${(hash >>> 0) % lanes}`;
}

export const laneNames = (lanes: number): string[] => Array.from({ length: lanes }, (_, i) => `p${i}`);

/** Where new deliveries of an endpoint go: its own lane, named like it, or the shared one. */
export const homeLane = (endpoint: { _id: string; lane?: string | null }, lanes: number): string =>
  endpoint.lane ?? laneOf(endpoint._id, lanes);
/** Whether a lane belongs to one endpoint. */
export const isOwnLane = (lane: string): boolean => lane.startsWith('ep_');

/** Whether a row of an endpoint waits in a lane that is no longer the endpoint's. */
export function isAstray(lane: string, endpoint: { lane?: string | null }): boolean {
  // Rows stay in the shared lane they were given when the number of shared lanes changes.
  return endpoint.lane == null ? isOwnLane(lane) : lane !== endpoint.lane;
}
