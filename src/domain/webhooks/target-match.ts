import type { SkippedTarget } from '../../contracts/webhooks/delivery.js';
import type { PayloadTest } from './content-filter.js';

export interface TargetFilter {
  id: string;
  disabled: boolean;
  /** Exact names, or `prefix.*` for every type that starts with the prefix; null = every event type. */
  eventTypes: readonly string[] | null;
  /** null = every message; else only messages that share a channel. */
  channels: readonly string[] | null;
  /** null = every payload. */
  filter: PayloadTest | null;
}

interface MatchedMessage {
  type: string;
  channels: readonly string[] | null;
  /** Parsed; read by content filters only. */
  payload: unknown;
}

/** Which endpoints a message goes to, and why not to the others. */
export function matchTargets(
  message: MatchedMessage,
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

/** Whether an endpoint would take a message of this type and channels, if its content filter takes the payload. */
export const isWanted = (
  message: Omit<MatchedMessage, 'payload'>,
  endpoints: readonly TargetFilter[],
): boolean =>
  endpoints.some((endpoint) => {
    const why = reasonToSkip({ ...message, payload: null }, { ...endpoint, filter: null });
    return why === null;
  });

function reasonToSkip(message: MatchedMessage, endpoint: TargetFilter): SkippedTarget['why'] | null {
  const { disabled, eventTypes, channels, filter } = endpoint;
  if (disabled) return 'disabled';
  if (eventTypes !== null && !eventTypes.some((wanted) => isOfType(message.type, wanted)))
    return 'event_type';
  if (channels !== null && !channels.some((channel) => message.channels?.includes(channel))) return 'channel';
  return filter === null || filter(message.payload) ? null : 'filter';
}

const isOfType = (type: string, wanted: string): boolean =>
  type === wanted || (wanted.endsWith('.*') && type.startsWith(wanted.slice(0, -1)));
