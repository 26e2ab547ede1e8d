import type { ApplicationOut } from '../../contracts/webhooks/application.js';
import type { ApplicationRow } from '../../store/webhooks/application.schema.js';

export const applicationView = (row: ApplicationRow): ApplicationOut => ({
  id: row._id,
  ...(row.uid === null ? {} : { uid: row.uid }),
  name: row.name,
  ...(row.throttleRate === null ? {} : { throttleRate: row.throttleRate }),
  metadata: row.metadata,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
