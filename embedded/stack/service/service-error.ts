import type { ServiceLog } from './service-log.js';

/** A service failed. The message ends with the last lines of its log. */
export class ServiceError extends Error {
  override name = 'ServiceError';

  constructor(message: string, log: ServiceLog) {
    const lines = log.tail();
    const story = lines.length === 0 ? '(it logged nothing)' : lines.map((line) => `  | ${line}`).join('\n');
    super(`${message}\nLast lines of ${log.file}:\n${story}`);
  }
}
