import type { Logger } from 'pino';

/** What happened to an endpoint or a message that its owner should know. */
export type OperationalEventType = 'endpoint.failing' | 'endpoint.disabled' | 'message.attempt.exhausted';

/** Where events about the delivery itself go. */
export interface OperationalEvents {
  /** Never throws: what it is told has happened already. */
  emit(type: OperationalEventType, data: Record<string, unknown>): void;
}

/** Writes them to the log. */
export const loggedEvents = (log: Logger): OperationalEvents => ({
  emit: (event, data) => log.warn({ event, ...data }, 'operational event'),
});
