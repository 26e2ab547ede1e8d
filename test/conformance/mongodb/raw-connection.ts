import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Document } from 'mongodb';
import { HEADER, body, message, open } from '../../integration/embedded-mongodb/raw-connection.js';

/** The document of a reply starts behind the header, four bytes of flags and the kind of its section. */
const DOCUMENT_AT = HEADER + 5;

/** Sends documents as bytes that no BSON library has touched, and gives replies as bytes. */
export class RawConnection {
  private received: Buffer = Buffer.alloc(0);
  private closed = false;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => (this.received = Buffer.concat([this.received, chunk])));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => undefined);
  }

  static async open(port: number): Promise<RawConnection> {
    return new RawConnection(await open(port));
  }

  /** The reply's document, or undefined if the server closed the connection instead. */
  async command(command: Document, sequence: Buffer = Buffer.alloc(0)): Promise<Buffer | undefined> {
    this.received = Buffer.alloc(0);
    this.socket.write(message(Buffer.concat([body(command), sequence])));
    while (!this.closed && !this.isComplete())
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    return this.isComplete() ? this.received.subarray(DOCUMENT_AT) : undefined;
  }

  close(): void {
    this.socket.destroy();
  }

  private isComplete(): boolean {
    return this.received.length >= HEADER && this.received.length >= this.received.readInt32LE(0);
  }
}

/** A section of kind 1 that holds one document. Source: MongoDB wire protocol, OP_MSG. */
export function rawSequence(name: string, document: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(`${name}\0`), document]);
  const head = Buffer.from([1, 0, 0, 0, 0]);
  head.writeInt32LE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}
