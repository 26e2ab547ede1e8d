import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { BSON } from 'mongodb';
import type { Document } from 'mongodb';

const OP_MSG = 2013;
const HEADER_BYTES = 16;
/** The body of a reply starts behind its header, four bytes of flags and the kind of its section. */
const REPLY_BODY_AT = HEADER_BYTES + 5;

/** Sends documents as bytes that no BSON library has touched, and gives answers as bytes. */
export class RawConnection {
  private received: Buffer = Buffer.alloc(0);
  private closed = false;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => (this.received = Buffer.concat([this.received, chunk])));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => undefined);
  }

  static async open(uri: string): Promise<RawConnection> {
    const { hostname, port } = new URL(uri);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** The reply's document, or undefined if the server closed the connection instead. */
  async command(body: Document, documents?: { name: string; bytes: Buffer[] }): Promise<Buffer | undefined> {
    this.received = Buffer.alloc(0);
    this.socket.write(message(body, documents));
    while (!this.closed && !this.isComplete())
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    return this.isComplete() ? this.received.subarray(REPLY_BODY_AT) : undefined;
  }

  close(): void {
    this.socket.destroy();
  }

  private isComplete(): boolean {
    return this.received.length >= HEADER_BYTES && this.received.length >= this.received.readInt32LE(0);
  }
}

/** OP_MSG: the body as section of kind 0, the documents as a sequence of kind 1. Source: MongoDB wire protocol. */
function message(body: Document, documents?: { name: string; bytes: Buffer[] }): Buffer {
  const sections: Buffer[] = [Buffer.from([0]), Buffer.from(BSON.serialize(body))];
  if (documents) {
    const content = Buffer.concat([Buffer.from(`${documents.name}\0`), ...documents.bytes]);
    sections.push(Buffer.from([1]), int32(content.length + 4), content);
  }
  const payload = Buffer.concat([int32(0), ...sections]);
  return Buffer.concat([int32(payload.length + HEADER_BYTES), int32(1), int32(0), int32(OP_MSG), payload]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
