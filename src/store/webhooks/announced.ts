import { crashPoint } from '../../platform/crash-point.js';
import type { ApplicationRepository } from './application.repository.js';
import type { EndpointRow } from './endpoint.schema.js';

/**
 * Writes something about an endpoint between two bumps of its application's revision: a cache filled before or
 * during the write is then stale by the second bump, so a message accepted after this returns sees it. Both say which
 * endpoint it is, so a cache reads no other; who dies in between leaves the change open, and it is read again and again.
 */
export async function announced<T>(
  applications: ApplicationRepository,
  { _id, app }: Pick<EndpointRow, '_id' | 'app'>,
  write: () => Promise<T>,
): Promise<T> {
  const token = await applications.beginChange(app, _id);
  try {
    const written = await write();
    crashPoint('endpoint_written');
    return written;
  } finally {
    await applications.endChange(app, token);
  }
}
