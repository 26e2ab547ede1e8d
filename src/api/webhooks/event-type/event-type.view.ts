import type { EventTypeOut, RetryScheduleInOut } from '../../../contracts/webhooks/event-type.js';
import type { EventTypeRow } from '../../../store/webhooks/event-type/event-type.schema.js';

/** @param withContent false leaves the schemas out */
export const eventTypeView = (row: EventTypeRow, withContent = true): EventTypeOut => ({
  name: row._id,
  description: row.description,
  archived: row.archived,
  deprecated: row.deprecated,
  ...(withContent
    ? { schemas: row.schemas === null ? null : (JSON.parse(row.schemas) as Record<string, unknown>) }
    : {}),
  ...(row.groupName === null ? {} : { groupName: row.groupName }),
  ...(row.featureFlags === null ? {} : { featureFlags: row.featureFlags }),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

export const retryScheduleView = ({ retrySchedule }: EventTypeRow): RetryScheduleInOut => ({
  retrySchedule: retrySchedule?.map((secs) => ({ secs, nanos: 0 })) ?? null,
});

/** Waits in whole seconds, never shorter than asked for. */
export const retryScheduleSeconds = ({ retrySchedule }: RetryScheduleInOut): number[] | null =>
  retrySchedule?.map(({ secs, nanos }) => secs + (nanos > 0 ? 1 : 0)) ?? null;
