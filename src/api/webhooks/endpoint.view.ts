import type { EndpointOut } from '../../contracts/webhooks/endpoint.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';

/** What a client sees of an endpoint: neither keys nor header values. */
export const endpointView = (row: EndpointRow): EndpointOut => ({
  id: row._id,
  ...(row.uid === null ? {} : { uid: row.uid }),
  url: row.url,
  description: row.description,
  ...(row.eventTypes === null ? {} : { eventTypes: row.eventTypes }),
  ...(row.channels === null ? {} : { channels: row.channels }),
  disabled: row.disabled,
  ...(row.throttleRate === null ? {} : { throttleRate: row.throttleRate }),
  metadata: row.metadata,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
