import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A webhook as it arrived. */
export interface Arrival {
  messageId: string;
  body: string;
  /** The signature of Standard Webhooks fits the secret of the endpoint. */
  verified: boolean;
}

/** A small webhook receiver on loopback, so that the first message of a new installation has somewhere to go. */
export class Receiver {
  /** Secret of the endpoint that points here, `whsec_...`. */
  secret = '';
  readonly #waiting = new Map<string, () => void>();
  readonly #arrived = new Set<string>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(onArrival: (arrival: Arrival) => void): Promise<Receiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const receiver = new Receiver(server, `http://127.0.0.1:${port}/webhooks`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const arrival = receiver.#read(request.headers, Buffer.concat(chunks).toString('utf8'));
        response.writeHead(arrival.messageId === '' ? 400 : 204).end();
        if (arrival.messageId === '') return;
        onArrival(arrival);
        receiver.#arrived.add(arrival.messageId);
        receiver.#waiting.get(arrival.messageId)?.();
      });
    });
    server.unref();
    return receiver;
  }

  /** Resolves when this message has arrived; rejects after `timeoutMs`. */
  arrivalOf(messageId: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#arrived.has(messageId)) return resolve();
      const late = () => reject(new Error(`${messageId} did not arrive within ${timeoutMs / 1000} s`));
      const timer = setTimeout(late, timeoutMs);
      this.#waiting.set(messageId, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  #read(headers: IncomingHttpHeaders, body: string): Arrival {
    const messageId = String(headers['webhook-id'] ?? '');
    const signed = `${messageId}.${String(headers['webhook-timestamp'])}.${body}`;
    const key = Buffer.from(this.secret.replace(/^whsec_/, ''), 'base64');
    const expected = Buffer.from(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    const given = String(headers['webhook-signature'] ?? '').split(' ');
    const verified = given.some((each) => isEqual(Buffer.from(each), expected));
    return { messageId, body, verified };
  }
}

const isEqual = (a: Buffer, b: Buffer) => a.length === b.length && timingSafeEqual(a, b);
