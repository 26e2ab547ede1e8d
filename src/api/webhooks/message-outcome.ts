import type { SchemaFault } from '../../domain/webhooks/event-schema/schema-bounds.js';
import { bodyFault, invalidMember, notFound, ProblemError } from '../../platform/errors.js';
import { keyReused } from '../../platform/http/idempotency.interceptor.js';
import type { TypeFault } from '../../store/webhooks/event-type/type-check.js';
import type { Accepted } from '../../store/webhooks/message-accept.js';
import type { MessageRow } from '../../store/webhooks/message.schema.js';

/** The message that an accept led to. @throws ProblemError when there is none */
export function acceptedMessage(accepted: Accepted, type: string): { row: MessageRow; replayed: boolean } {
  switch (accepted.kind) {
    case 'stored':
      return { row: accepted.row, replayed: false };
    case 'replayed':
      return { row: accepted.row, replayed: true };
    case 'key_reused':
      throw keyReused();
    case 'no_application':
      throw notFound('application');
    case 'throttled':
      throw new ProblemError('rate_limited', 'The application sends more messages a second than it may.', {
        headers: { 'retry-after': String(Math.ceil(accepted.waitMs / 1000)) },
      });
    case 'unknown_type':
    case 'schema_mismatch':
      throw refusedType(accepted, type);
    case 'event_id_taken':
      throw new ProblemError(
        'conflict',
        `A message with the eventId "${accepted.row.eventId}" was accepted before: ${accepted.row._id}.`,
        { members: { existing: accepted.row._id } },
      );
  }
}

/** Why a message of this type may not be sent. */
export const refusedType = (fault: TypeFault, type: string): ProblemError =>
  fault.kind === 'schema_mismatch'
    ? schemaMismatch(type, fault.faults)
    : invalidMember(['eventType'], `there is no event type "${type}"; create it first`, 'unknown_event_type');

/** The bytes of the payload in a message. @throws ProblemError when there are more than the limit */
export function payloadBytes(
  message: Buffer,
  members: readonly { key: string; start: number; end: number }[] | null,
  limit: number,
): Buffer {
  const range = members?.find((member) => member.key === 'payload');
  if (range === undefined) throw new Error('the checked message has no payload');
  const got = range.end - range.start;
  if (got <= limit) return message.subarray(range.start, range.end);
  throw new ProblemError('payload_too_large', `The payload has ${got} bytes; at most ${limit} are accepted.`);
}

function schemaMismatch(type: string, faults: readonly SchemaFault[]): ProblemError {
  const errors = faults.map(({ path, message }) =>
    bodyFault(['payload', ...path], message, 'schema_mismatch'),
  );
  const detail = errors.map((fault) => `${fault.pointer} ${fault.msg}`).join('; ');
  return new ProblemError('schema_mismatch', `The payload does not fit the schema of "${type}": ${detail}`, {
    errors,
  });
}
