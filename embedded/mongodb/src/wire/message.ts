import { Bytes } from '../bson/bytes.js';
import { validateBson } from '../bson/validate.js';
import { BDoc } from '../bson/values.js';

/** Largest message of the MongoDB wire protocol, in bytes. Drivers read it from `hello.maxMessageSizeBytes`. */
export const MAX_MESSAGE_BYTES = 48_000_000;
export const HEADER_BYTES = 16;

const OP_REPLY = 1;
const OP_QUERY = 2004;
export const OP_MSG = 2013;

/** One whole message, header included. */
export interface Frame {
  requestId: number;
  opCode: number;
  message: Buffer;
}

/** A peer that breaks the protocol: the connection is closed, nothing can be answered. */
export class ProtocolError extends Error {}

/**
 * Cuts a byte stream into frames. The length of a message is checked as soon as its header is there, so a
 * lying header costs no memory.
 */
export class FrameReader {
  private chunks: Buffer[] = [];
  private buffered = 0;
  private expected = 0;

  /** Adds received bytes and returns the frames that are complete now. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    while (this.buffered >= (this.expected || HEADER_BYTES)) {
      if (this.expected === 0) {
        this.expected = checkedLength(this.joined(4).readInt32LE(0));
        continue;
      }
      const message = this.take(this.expected);
      frames.push({ requestId: message.readInt32LE(4), opCode: message.readInt32LE(12), message });
      this.expected = 0;
    }
    return frames;
  }

  /** A buffer that starts with the next `length` bytes. */
  private joined(length: number): Buffer {
    if ((this.chunks[0]?.length ?? 0) < length) this.chunks = [Buffer.concat(this.chunks, this.buffered)];
    return this.chunks[0] as Buffer;
  }

  private take(length: number): Buffer {
    const all = this.joined(length);
    this.buffered -= length;
    if (all.length > length) this.chunks[0] = all.subarray(length);
    else this.chunks.shift();
    return all.subarray(0, length);
  }
}

function checkedLength(length: number): number {
  if (length >= HEADER_BYTES && length <= MAX_MESSAGE_BYTES) return length;
  throw new ProtocolError(`messages have ${HEADER_BYTES} to ${MAX_MESSAGE_BYTES} bytes, got ${length}`);
}

let lastRequestId = 0;

/** A reply on its way, with its id, unique until ids wrap. */
export interface Reply {
  bytes: Buffer;
  requestId: number;
}

/** A reply: its header, `gap` zero bytes and the document, encoded in one go. */
export function replyFrame(opCode: number, responseTo: number, gap: number, document: BDoc): Reply {
  lastRequestId = (lastRequestId + 1) | 0;
  const bytes = Bytes.encode((out) => {
    out.take(HEADER_BYTES + gap);
    document.writeTo(out);
  });
  writeHeader(bytes, lastRequestId, responseTo, opCode);
  bytes.fill(0, HEADER_BYTES, HEADER_BYTES + gap);
  return { bytes, requestId: lastRequestId };
}

/** Writes the 16-byte header of a message into its first bytes. */
export function writeHeader(target: Buffer, requestId: number, responseTo: number, opCode: number): void {
  target.writeInt32LE(target.length, 0);
  target.writeInt32LE(requestId, 4);
  target.writeInt32LE(responseTo, 8);
  target.writeInt32LE(opCode, 12);
}

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

/** Told from the flags alone, for a message that cannot be decoded. */
export function wantsNoReply({ opCode, message }: Frame): boolean {
  return opCode === OP_MSG && (message.readUInt32LE(HEADER_BYTES) & MORE_TO_COME) !== 0;
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
  validateBson(bytes, maxDepth);
  return BDoc.fromBytes(bytes);
}

/** Encodes a reply; `streaming` sets moreToCome, which tells the peer that another reply follows unasked. */
export function encodeOpMsg(document: BDoc, responseTo: number, streaming = false): Reply {
  const frame = replyFrame(OP_MSG, responseTo, 5, document);
  if (streaming) frame.bytes[HEADER_BYTES] = MORE_TO_COME;
  return frame;
}

const HANDSHAKE = ['hello', 'isMaster', 'ismaster'];

/** Decodes the legacy query that drivers still send as their first message; it may carry the handshake only. */
function parseOpQuery({ message }: Frame): OpMsg {
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
function encodeOpReply(document: BDoc, responseTo: number): Reply {
  const reply = replyFrame(OP_REPLY, responseTo, 20, document);
  // flags (AwaitCapable) and the number of documents; cursor id and starting index stay zero.
  reply.bytes.writeInt32LE(8, HEADER_BYTES);
  reply.bytes.writeInt32LE(1, HEADER_BYTES + 16);
  return reply;
}

/** How messages of an opcode are read and answered. */
export function codecOf(opCode: number): [typeof parseOpMsg, typeof encodeOpMsg] {
  if (opCode === OP_MSG) return [parseOpMsg, encodeOpMsg];
  if (opCode === OP_QUERY) return [parseOpQuery, encodeOpReply];
  throw new ProtocolError(`opcode ${opCode} is not supported by the embedded server`);
}
