import type { FifoPolicy } from '../../contracts/webhooks/endpoint-policy.js';
import type { ContentFilter } from '../../contracts/webhooks/content-filter.js';
import { compileFilter } from '../../domain/webhooks/content-filter.js';
import type { TargetFilter } from '../../domain/webhooks/target-match.js';
import type { ChangesSeen } from '../../domain/webhooks/told-changes.js';
import type { EndpointRow } from './endpoint.schema.js';

/** What the accept path knows of an application. */
export interface CachedApplication {
  id: string;
  rev: number;
  /** In the order of their ids. */
  endpoints: readonly CachedEndpoint[];
  /** What its row told of changes of endpoints before they were read. */
  seen: ChangesSeen;
  /** Messages a second that it may send; null = no limit. */
  throttleRate: number | null;
  /** Days it keeps payloads at most; null = as long as each message asks. */
  payloadDays: number | null;
  /** Endpoints with a lane of their own; most have none. */
  ownLanes: ReadonlyMap<string, OwnLane>;
  /** Whether one of its endpoints gets messages in order. */
  keepsOrder: boolean;
}

export interface CachedEndpoint extends TargetFilter {
  rev: number;
  own: OwnLane | null;
}

/** Where the deliveries of an endpoint go that has a lane of its own, and by what they keep their order. */
export interface OwnLane {
  lane: string;
  fifo: FifoPolicy | null;
}

export type FilterRow = Pick<
  EndpointRow,
  '_id' | 'rev' | 'disabled' | 'eventTypes' | 'channels' | 'filter' | 'lane' | 'policy'
> & { deletedAt?: Date | null };

/** What of an endpoint's row a target is decided by. */
export const TARGET_FIELDS = {
  ...{ rev: 1, disabled: 1, eventTypes: 1, channels: 1, filter: 1, lane: 1, deletedAt: 1 },
  'policy.fifo': 1,
} as const;

/** What its endpoints with lanes of their own mean for the application. */
export function lanes(
  endpoints: readonly CachedEndpoint[],
): Pick<CachedApplication, 'ownLanes' | 'keepsOrder'> {
  const ownLanes = new Map(endpoints.flatMap(({ id, own }) => (own === null ? [] : [[id, own]])));
  return { ownLanes, keepsOrder: [...ownLanes.values()].some(({ fifo }) => fifo !== null) };
}

/** What decides whether an endpoint gets a message, its content filter compiled. */
export const targetFilter = ({ _id: id, lane, policy, filter, ...row }: FilterRow): CachedEndpoint => ({
  id,
  rev: row.rev,
  disabled: row.disabled,
  eventTypes: row.eventTypes,
  channels: row.channels,
  filter: filter == null ? null : compileFilter(JSON.parse(filter) as ContentFilter),
  own: lane == null ? null : { lane, fifo: policy?.fifo ?? null },
});
