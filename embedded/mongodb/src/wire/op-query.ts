import { validateBson } from '../bson/validate.js';
import { BDoc } from '../bson/values.js';
import type { Frame } from './frame.js';
import { HEADER_BYTES, OP_REPLY, ProtocolError, nextRequestId, writeHeader } from './frame.js';

/** The legacy query that drivers still send as their first message. */
export interface OpQuery {
  collection: string;
  query: BDoc;
}

/** Decodes an OP_QUERY frame. */
export function parseOpQuery(frame: Frame): OpQuery {
  const bytes = frame.message.subarray(HEADER_BYTES);
  const nameEnd = bytes.indexOf(0, 4);
  const queryAt = nameEnd + 9;
  const size = nameEnd >= 4 && queryAt + 4 <= bytes.length ? bytes.readInt32LE(queryAt) : -1;
  if (size < 5 || queryAt + size > bytes.length) throw new ProtocolError('OP_QUERY is malformed');
  const query = bytes.subarray(queryAt, queryAt + size);
  validateBson(query);
  return { collection: bytes.toString('utf8', 4, nameEnd), query: BDoc.fromBytes(query) };
}

/** Encodes an OP_REPLY with one document. */
export function encodeOpReply(document: Buffer, responseTo: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + 20 + document.length);
  writeHeader(bytes, nextRequestId(), responseTo, OP_REPLY);
  // flags (AwaitCapable), cursor id and starting index stay zero but for the flag and the count.
  bytes.writeInt32LE(8, HEADER_BYTES);
  bytes.writeInt32LE(1, HEADER_BYTES + 16);
  document.copy(bytes, HEADER_BYTES + 20);
  return bytes;
}
