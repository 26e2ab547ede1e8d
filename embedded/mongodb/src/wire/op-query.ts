import { validateBson } from '../bson/validate.js';
import { BDoc } from '../bson/values.js';
import { HEADER_BYTES, OP_REPLY, ProtocolError, replyFrame, type Frame, type Reply } from './frame.js';
import type { OpMsg } from './op-msg.js';

const HANDSHAKE = ['hello', 'isMaster', 'ismaster'];

/** Decodes the legacy query that drivers still send as their first message; it may carry the handshake only. */
export function parseOpQuery({ message }: Frame): OpMsg {
  const nameAt = HEADER_BYTES + 4;
  const nameEnd = message.indexOf(0, nameAt);
  const at = nameEnd + 9;
  const size = nameEnd >= 0 && at + 4 <= message.length ? message.readInt32LE(at) : -1;
  if (size < 5 || at + size > message.length) throw new ProtocolError('OP_QUERY is malformed');
  const bytes = message.subarray(at, at + size);
  validateBson(bytes);
  const query = BDoc.fromBytes(bytes);
  const collection = message.toString('utf8', nameAt, nameEnd);
  const name = query.keys()[0] ?? '';
  if (!collection.endsWith('.$cmd') || !HANDSHAKE.includes(name))
    throw new ProtocolError(`OP_QUERY may carry hello only, got '${name}' on ${collection}`);
  const body = query.set('$db', collection.slice(0, -'.$cmd'.length));
  return { body, sequences: new Map(), moreToCome: false, exhaustAllowed: false };
}

/** Encodes an OP_REPLY with one document. */
export function encodeOpReply(document: BDoc, responseTo: number): Reply {
  const reply = replyFrame(OP_REPLY, responseTo, 20, document);
  // flags (AwaitCapable) and the number of documents; cursor id and starting index stay zero.
  reply.bytes.writeInt32LE(8, HEADER_BYTES);
  reply.bytes.writeInt32LE(1, HEADER_BYTES + 16);
  return reply;
}
