import type { PollingEndpointOut } from '../../../contracts/webhooks/poller.js';
import type { PollerRow } from '../../../store/webhooks/poller/poller.schema.js';

export const pollingEndpointView = (row: PollerRow): PollingEndpointOut => ({
  id: row._id,
  ...(row.uid === null ? {} : { uid: row.uid }),
  description: row.description,
  ...(row.eventTypes === null ? {} : { eventTypes: row.eventTypes }),
  ...(row.channels === null ? {} : { channels: row.channels }),
  ...(row.filter === null ? {} : { filter: JSON.parse(row.filter) as Record<string, unknown> }),
  metadata: row.metadata,
  disabled: row.disabled,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
