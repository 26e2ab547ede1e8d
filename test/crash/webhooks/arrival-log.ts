import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One arrival, as small as it can be kept: a run has hundreds of thousands. */
export interface LoggedArrival {
  id: string;
  key: string;
  atMs: number;
}

/** A receiver on loopback that answers at once and logs what came, by path, in the order it came. */
export class ArrivalLog {
  readonly byPath = new Map<string, LoggedArrival[]>();
  /** Paths that answer 500 and log nothing. */
  readonly refusing = new Set<string>();
  /** Paths that answer 500 to the first try of each message and log nothing of it. */
  readonly refusesFirst = new Set<string>();
  readonly #refusedOnce = new Set<string>();
  /** Paths that take their time, in ms. */
  readonly slow = new Map<string, number>();
  /** Told of everything that is logged, as it came. */
  onArrival: ((path: string, headers: IncomingHttpHeaders, body: Buffer) => void) | null = null;
  readonly #seen = new Map<string, Set<string>>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<ArrivalLog> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const log = new ArrivalLog(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const path = request.url ?? '/';
        if (log.refusing.has(path) || log.#isRefusedOnce(path, String(request.headers['webhook-id'])))
          return void response.writeHead(500).end();
        const body = Buffer.concat(chunks);
        const { key } = JSON.parse(body.toString()) as { key: string };
        log.#keep(path, { id: String(request.headers['webhook-id']), key, atMs: Date.now() });
        log.onArrival?.(path, request.headers, body);
        const waitMs = log.slow.get(path);
        if (waitMs === undefined) response.writeHead(204).end();
        else setTimeout(() => response.writeHead(204).end(), waitMs);
      });
    });
    return log;
  }

  /** Ids that have not come to a path. */
  missing(path: string, ids: Iterable<string>): string[] {
    const seen = this.#seen.get(path) ?? new Set();
    return [...ids].filter((id) => !seen.has(id));
  }

  end(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  #isRefusedOnce(path: string, id: string): boolean {
    if (!this.refusesFirst.has(path) || this.#refusedOnce.has(`${id} ${path}`)) return false;
    this.#refusedOnce.add(`${id} ${path}`);
    return true;
  }

  #keep(path: string, arrival: LoggedArrival): void {
    const log = this.byPath.get(path) ?? [];
    log.push(arrival);
    this.byPath.set(path, log);
    const seen = this.#seen.get(path) ?? new Set();
    seen.add(arrival.id);
    this.#seen.set(path, seen);
  }
}
