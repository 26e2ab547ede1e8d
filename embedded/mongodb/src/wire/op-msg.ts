import { validateBson } from '../bson/validate.js';
import { BDoc } from '../bson/values.js';
import { crc32c } from './crc32c.js';
import { HEADER_BYTES, OP_MSG, ProtocolError, nextRequestId, writeHeader } from './frame.js';
import type { Frame } from './frame.js';

const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
const EXHAUST_ALLOWED = 1 << 16;
/** Bits 0-15 are "required": a server must refuse a message with one that it does not know. */
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

/** True for a message that asks not to be answered. */
export function wantsNoReply({ opCode, message }: Frame): boolean {
  return (
    opCode === OP_MSG && message.length >= HEADER_BYTES + 4 && (message[HEADER_BYTES]! & MORE_TO_COME) !== 0
  );
}

/** Decodes a frame; sections of kind 0 and 1 may come in any order. */
export function parseOpMsg(frame: Frame): OpMsg {
  const bytes = frame.message.subarray(HEADER_BYTES);
  if (bytes.length < 5) throw new ProtocolError(`OP_MSG is too short: ${bytes.length} bytes`);
  const flags = bytes.readUInt32LE(0);
  if (flags & REQUIRED_BITS & ~(CHECKSUM_PRESENT | MORE_TO_COME)) {
    throw new ProtocolError(`OP_MSG has unknown required flag bits: 0x${flags.toString(16)}`);
  }
  if (flags & CHECKSUM_PRESENT) verifyChecksum(frame.message);
  const end = bytes.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  let body: BDoc | undefined;
  const sequences = new Map<string, BDoc[]>();
  let at = 4;
  while (at < end) {
    const kind = bytes[at];
    at += 1;
    const size = sectionSize(bytes, at, end);
    const section = bytes.subarray(at, at + size);
    at += size;
    if (kind === 0) {
      if (body) throw new ProtocolError('OP_MSG has more than one body section');
      body = checked(section, MAX_DEPTH + BODY_DEPTH);
    } else if (kind === 1) {
      readSequence(section, sequences);
    } else {
      throw new ProtocolError(`OP_MSG section kind must be 0 or 1, got ${kind}`);
    }
  }
  if (!body) throw new ProtocolError('OP_MSG has no body section');
  return {
    body,
    sequences,
    moreToCome: (flags & MORE_TO_COME) !== 0,
    exhaustAllowed: (flags & EXHAUST_ALLOWED) !== 0,
  };
}

function sectionSize(bytes: Buffer, at: number, end: number): number {
  const size = at + 4 <= end ? bytes.readInt32LE(at) : -1;
  if (size < 5 || at + size > end)
    throw new ProtocolError(`OP_MSG section at ${at} has a wrong size: ${size}`);
  return size;
}

function readSequence(section: Buffer, sequences: Map<string, BDoc[]>): void {
  const nameEnd = section.indexOf(0, 4);
  if (nameEnd < 0) throw new ProtocolError('OP_MSG document sequence has no name');
  const name = section.toString('utf8', 4, nameEnd);
  if (sequences.has(name)) throw new ProtocolError(`OP_MSG has two document sequences named '${name}'`);
  const documents: BDoc[] = [];
  let at = nameEnd + 1;
  while (at < section.length) {
    const size = sectionSize(section, at, section.length);
    documents.push(checked(section.subarray(at, at + size), MAX_DEPTH));
    at += size;
  }
  sequences.set(name, documents);
}

/** Everything behind reads documents without checks, so a malformed one stops here with error 22. */
function checked(bytes: Buffer, maxDepth: number): BDoc {
  validateBson(bytes, { maxDepth });
  return BDoc.fromBytes(bytes);
}

function verifyChecksum(message: Buffer): void {
  const end = message.length - 4;
  const expected = message.readUInt32LE(end);
  const actual = crc32c(message.subarray(0, end));
  if (actual !== expected)
    throw new ProtocolError(`OP_MSG checksum is ${actual}, the message says ${expected}`);
}

/** Encodes a reply; `streaming` sets moreToCome, which tells the peer that another reply follows unasked. */
export function encodeOpMsg(
  document: Buffer,
  responseTo: number,
  streaming = false,
): { bytes: Buffer; requestId: number } {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + 5 + document.length);
  const requestId = nextRequestId();
  writeHeader(bytes, requestId, responseTo, OP_MSG);
  bytes.writeUInt32LE(streaming ? MORE_TO_COME : 0, HEADER_BYTES);
  bytes[HEADER_BYTES + 4] = 0;
  document.copy(bytes, HEADER_BYTES + 5);
  return { bytes, requestId };
}
