import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
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
        const { key } = JSON.parse(Buffer.concat(chunks).toString()) as { key: string };
        log.#keep(request.url ?? '/', { id: String(request.headers['webhook-id']), key, atMs: Date.now() });
        response.writeHead(204).end();
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

  #keep(path: string, arrival: LoggedArrival): void {
    const log = this.byPath.get(path) ?? [];
    log.push(arrival);
    this.byPath.set(path, log);
    const seen = this.#seen.get(path) ?? new Set();
    seen.add(arrival.id);
    this.#seen.set(path, seen);
  }
}
