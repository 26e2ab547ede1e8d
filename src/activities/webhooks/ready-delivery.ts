import type { AttemptTrigger } from '../../contracts/webhooks/delivery.js';
import type { Judgement } from '../../domain/webhooks/answer.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { PreparedEndpoint } from './prepared-endpoint.js';

/** A delivery with everything one try needs. */
export interface ReadyDelivery {
  row: DeliveryRow;
  endpoint: PreparedEndpoint;
  body: Buffer;
  trigger: AttemptTrigger;
  /** False when the row was only told and may not be in the store yet. */
  stored: boolean;
  /** When it was loaded, on the clock of `performance.now`; set where it may wait for company. */
  sinceMs?: number;
}

/** What a try did and what it means, not yet written. */
export interface TriedDelivery {
  attempt: AttemptRow;
  judgement: Judgement;
  durationMs: number;
}
