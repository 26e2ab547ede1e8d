import { validateBson } from '../bson/validate.js';
import { BDoc } from '../bson/values.js';
import { HEADER_BYTES, OP_MSG, ProtocolError, replyFrame, type Frame, type Reply } from './frame.js';

const MORE_TO_COME = 2;
const EXHAUST_ALLOWED = 1 << 16;
/** Bits 0-15 are "required": a server must refuse a message with one that it does not have. Bit 0 is a checksum. */
const REQUIRED_BITS = 0xffff;
/** Deepest nesting of a document, and what a command adds around one, as in `pipeline: [{$facet: {x: [...]}}]`. */
const MAX_DEPTH = 180;
const BODY_DEPTH = 20;

/** A decoded OP_MSG: the command document and the document sequences sent beside it. */
export interface OpMsg {
  body: BDoc;
  sequences: Map<string, BDoc[]>;
  moreToCome: boolean;
  exhaustAllowed: boolean;
}

/** Decodes a frame; sections of kind 0 and 1 may come in any order. */
export function parseOpMsg({ message }: Frame): OpMsg {
  if (message.length < HEADER_BYTES + 5)
    throw new ProtocolError(`OP_MSG is too short: ${message.length} bytes`);
  const flags = message.readUInt32LE(HEADER_BYTES);
  if (flags & REQUIRED_BITS & ~MORE_TO_COME)
    throw new ProtocolError(`OP_MSG has required flag bits that are not supported: 0x${flags.toString(16)}`);
  let body: BDoc | undefined;
  const sequences = new Map<string, BDoc[]>();
  for (let at = HEADER_BYTES + 4; at < message.length;) {
    const kind = message[at];
    const section = sized(message, at + 1);
    at += 1 + section.length;
    if (kind === 0 && !body) body = checked(section, MAX_DEPTH + BODY_DEPTH);
    else if (kind === 1) readSequence(section, sequences);
    else throw new ProtocolError(`OP_MSG has one section of kind 0 and others of kind 1, got kind ${kind}`);
  }
  if (!body) throw new ProtocolError('OP_MSG has no body section');
  const moreToCome = (flags & MORE_TO_COME) !== 0;
  return { body, sequences, moreToCome, exhaustAllowed: (flags & EXHAUST_ALLOWED) !== 0 };
}

/** The part at an offset that starts with its own length. */
function sized(bytes: Buffer, at: number): Buffer {
  const size = at + 4 <= bytes.length ? bytes.readInt32LE(at) : -1;
  if (size >= 5 && at + size <= bytes.length) return bytes.subarray(at, at + size);
  throw new ProtocolError(`OP_MSG section at ${at} has a wrong size: ${size}`);
}

function readSequence(section: Buffer, sequences: Map<string, BDoc[]>): void {
  const nameEnd = section.indexOf(0, 4);
  if (nameEnd < 0) throw new ProtocolError('OP_MSG document sequence has no name');
  const name = section.toString('utf8', 4, nameEnd);
  if (sequences.has(name)) throw new ProtocolError(`OP_MSG has two document sequences named '${name}'`);
  const documents: BDoc[] = [];
  for (let at = nameEnd + 1; at < section.length;) {
    const document = sized(section, at);
    documents.push(checked(document, MAX_DEPTH));
    at += document.length;
  }
  sequences.set(name, documents);
}

/** Everything behind reads documents without checks, so a malformed one stops here with error 22. */
function checked(bytes: Buffer, maxDepth: number): BDoc {
  validateBson(bytes, { maxDepth });
  return BDoc.fromBytes(bytes);
}

/** Encodes a reply; `streaming` sets moreToCome, which tells the peer that another reply follows unasked. */
export function encodeOpMsg(document: BDoc, responseTo: number, streaming = false): Reply {
  const frame = replyFrame(OP_MSG, responseTo, 5, document);
  if (streaming) frame.bytes[HEADER_BYTES] = MORE_TO_COME;
  return frame;
}
