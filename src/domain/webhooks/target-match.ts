import type { SkippedTarget } from '../../contracts/webhooks/delivery.js';

export interface TargetFilter {
  id: string;
  disabled: boolean;
  /** null = every event type. */
  eventTypes: readonly string[] | null;
  /** null = every message; else only messages that share a channel. */
  channels: readonly string[] | null;
}

/** Which endpoints a message goes to, and why not to the others. */
export function matchTargets(
  message: { type: string; channels: readonly string[] | null },
  endpoints: readonly TargetFilter[],
): { targets: string[]; skipped: SkippedTarget[] } {
  const targets: string[] = [];
  const skipped: SkippedTarget[] = [];
  for (const endpoint of endpoints) {
    const why = reasonToSkip(message, endpoint);
    if (why === null) targets.push(endpoint.id);
    else skipped.push({ e: endpoint.id, why });
  }
  return { targets, skipped };
}

function reasonToSkip(
  message: { type: string; channels: readonly string[] | null },
  endpoint: TargetFilter,
): SkippedTarget['why'] | null {
  if (endpoint.disabled) return 'disabled';
  if (endpoint.eventTypes !== null && !endpoint.eventTypes.includes(message.type)) return 'event_type';
  if (endpoint.channels === null) return null;
  return endpoint.channels.some((channel) => message.channels?.includes(channel)) ? null : 'channel';
}
