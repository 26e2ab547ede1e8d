import { Bytes } from '../bson/bytes.js';
import type { BDoc } from '../bson/values.js';

/** Largest message of the MongoDB wire protocol, in bytes. Drivers read it from `hello.maxMessageSizeBytes`. */
export const MAX_MESSAGE_BYTES = 48_000_000;
export const HEADER_BYTES = 16;

export const OP_REPLY = 1;
export const OP_QUERY = 2004;
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
