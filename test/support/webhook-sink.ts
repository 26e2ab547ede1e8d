import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Arrival {
  id: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  atMs: number;
}

type Answer = (arrival: Arrival, response: ServerResponse) => void;

const accept: Answer = (_, response) => void response.writeHead(204).end();

/** A receiver on loopback that keeps everything it got. */
export class WebhookSink {
  readonly arrivals: Arrival[] = [];
  /** How often each message arrived. */
  readonly counts = new Map<string, number>();
  answer: Answer = accept;
  readonly #waiting = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(options: { keepBodies?: boolean } = {}): Promise<WebhookSink> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sink = new WebhookSink(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const id = String(request.headers['webhook-id']);
        const body = options.keepBodies === false ? Buffer.alloc(0) : Buffer.concat(chunks);
        const arrival = { id, path: request.url ?? '/', headers: request.headers, body, atMs: Date.now() };
        sink.#keep(arrival);
        sink.answer(arrival, response);
      });
    });
    return sink;
  }

  /** Refuses everything from now on. */
  fail(status = 500): void {
    this.answer = (_, response) => void response.writeHead(status).end('no');
  }

  /** Takes everything from now on. */
  take(): void {
    this.answer = accept;
  }

  /** Resolves when `condition` holds; checked after each arrival. Rejects after `timeoutMs`. */
  async until(condition: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const deadline = AbortSignal.timeout(timeoutMs);
    while (!condition()) {
      await new Promise<void>((resolve, reject) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
        deadline.addEventListener('abort', () => reject(new Error(`${what}: not within ${timeoutMs} ms`)), {
          once: true,
        });
      });
    }
  }

  untilArrived(ids: Iterable<string>, timeoutMs: number): Promise<void> {
    const missing = new Set(ids);
    return this.until(
      () => {
        for (const id of missing) if (this.counts.has(id)) missing.delete(id);
        return missing.size === 0;
      },
      timeoutMs,
      'all messages arrived',
    );
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  #keep(arrival: Arrival): void {
    this.arrivals.push(arrival);
    this.counts.set(arrival.id, (this.counts.get(arrival.id) ?? 0) + 1);
    for (const wake of this.#waiting) wake();
  }
}
