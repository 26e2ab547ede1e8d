import type { Logger } from 'pino';
import type { OperationalEventType } from '../../contracts/webhooks/operational-event.js';
import type { OutboxBell } from '../../store/webhooks/operational/outbox-bell.js';

/** Hears of events that a worker has written into the outbox of their row. */
export interface OperationalEvents {
  /** Never throws: what it is told has happened already. */
  emit(type: OperationalEventType, data: Record<string, unknown>): void;
}

/** Writes them to the log and has them sent. */
export const toldEvents = (log: Logger, bell: OutboxBell): OperationalEvents => ({
  emit: (event, data) => {
    log.warn({ event, ...data }, 'operational event');
    bell.ring();
  },
});
