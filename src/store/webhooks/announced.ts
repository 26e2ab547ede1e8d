import { crashPoint } from '../../platform/crash-point.js';
import type { ApplicationRepository } from './application.repository.js';

/**
 * Writes something about an endpoint between two bumps of its application's revision: a cache filled before or
 * during the write is then stale by the second bump, so a message accepted after this returns sees it.
 */
export async function announced<T>(
  applications: ApplicationRepository,
  app: string,
  write: () => Promise<T>,
): Promise<T> {
  await applications.bumpRevision(app);
  try {
    const written = await write();
    crashPoint('endpoint_written');
    return written;
  } finally {
    await applications.bumpRevision(app);
  }
}
