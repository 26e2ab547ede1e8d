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
    for (;;) {
      if (this.expected === 0) {
        if (this.buffered < HEADER_BYTES) return frames;
        this.expected = checkedLength(this.peek(4).readInt32LE(0));
      }
      if (this.buffered < this.expected) return frames;
      frames.push(parseFrame(this.take(this.expected)));
      this.expected = 0;
    }
  }

  private peek(length: number): Buffer {
    const first = this.chunks[0];
    if (first && first.length >= length) return first;
    this.chunks = [Buffer.concat(this.chunks, this.buffered)];
    return this.chunks[0] ?? Buffer.alloc(0);
  }

  private take(length: number): Buffer {
    const all = this.peek(length);
    const rest = all.subarray(length);
    this.buffered -= length;
    if (rest.length > 0) this.chunks[0] = rest;
    else this.chunks.shift();
    return all.subarray(0, length);
  }
}

function checkedLength(length: number): number {
  if (length >= HEADER_BYTES && length <= MAX_MESSAGE_BYTES) return length;
  throw new ProtocolError(
    `message length must be ${HEADER_BYTES} to ${MAX_MESSAGE_BYTES} bytes, got ${length}`,
  );
}

function parseFrame(bytes: Buffer): Frame {
  return { requestId: bytes.readInt32LE(4), opCode: bytes.readInt32LE(12), message: bytes };
}

let lastRequestId = 0;

/** Request ids of our own replies; unique until they wrap. */
export function nextRequestId(): number {
  lastRequestId = (lastRequestId + 1) | 0;
  return lastRequestId;
}

/** Writes the 16-byte header of a reply into `target`. */
export function writeHeader(target: Buffer, requestId: number, responseTo: number, opCode: number): void {
  target.writeInt32LE(target.length, 0);
  target.writeInt32LE(requestId, 4);
  target.writeInt32LE(responseTo, 8);
  target.writeInt32LE(opCode, 12);
}
