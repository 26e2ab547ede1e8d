/** How an endpoint fares, from its latest tries. */
export type HealthState = 'healthy' | 'degraded' | 'failing' | 'disabled';

/** Tries that are looked at. */
export const HEALTH_WINDOW_MS = 15 * 60_000;
/** With fewer tries nothing is said about their share. */
const MIN_TRIES = 20;
const DEGRADED_BELOW = 0.95;
const FAILING_BELOW = 0.5;

export function healthState(
  endpoint: { disabled: boolean; breakerOpen: boolean },
  recent: { attempts: number; ok: number },
): HealthState {
  if (endpoint.disabled) return 'disabled';
  if (endpoint.breakerOpen) return 'failing';
  if (recent.attempts < MIN_TRIES) return 'healthy';
  const rate = recent.ok / recent.attempts;
  if (rate < FAILING_BELOW) return 'failing';
  return rate < DEGRADED_BELOW ? 'degraded' : 'healthy';
}
