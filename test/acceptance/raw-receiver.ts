import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

type Send = (bytes: Buffer) => boolean;

const GIB = 1024 ** 3;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const HEAD = 'HTTP/1.1 200 OK\r\n';
const DRIP_MS = 50;

/** A receiver that answers as it likes, below HTTP. */
export class RawReceiver {
  /** Requests it got. */
  requests = 0;
  /** Bytes it could get rid of. */
  written = 0;
  readonly #open = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));

  private constructor(private readonly answer: (send: Send, socket: Socket) => void) {}

  static async start(answer: (send: Send, socket: Socket) => void): Promise<RawReceiver> {
    const receiver = new RawReceiver(answer);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('error', () => undefined); // the worker hangs up when it has had enough
    socket.once('data', () => {
      this.requests += 1;
      this.answer((bytes) => {
        this.written += bytes.length;
        return socket.write(bytes);
      }, socket);
    });
  }
}

/** One of each kind of answer that a worker must not wait for, or keep. */
export async function hostileReceivers() {
  const endless = await RawReceiver.start((send, socket) => {
    send(Buffer.from(`${HEAD}transfer-encoding: chunked\r\n\r\n`));
    pour(Buffer.concat([Buffer.from('10000\r\n'), CHUNK, Buffer.from('\r\n')]), send, socket);
  });
  const huge = await RawReceiver.start((send, socket) => {
    send(Buffer.from(`${HEAD}content-length: ${GIB}\r\n\r\n`));
    pour(CHUNK, send, socket);
  });
  const headers = await RawReceiver.start((send, socket) => {
    send(Buffer.from(HEAD));
    pour(Buffer.from('x-more: 0123456789abcdef\r\n'.repeat(1000)), send, socket);
  });
  const slow = await RawReceiver.start((send, socket) => {
    send(Buffer.from(`${HEAD}content-length: 1000\r\n\r\n`));
    const timer = setInterval(() => send(Buffer.from('x')), DRIP_MS);
    socket.on('close', () => clearInterval(timer));
  });
  const hung = await RawReceiver.start(() => undefined);
  return { endless, huge, headers, slow, hung };
}

/** Writes as long as somebody reads. */
function pour(bytes: Buffer, send: Send, socket: Socket): void {
  const more = () => {
    while (!socket.destroyed && send(bytes));
  };
  socket.on('drain', more);
  more();
}
