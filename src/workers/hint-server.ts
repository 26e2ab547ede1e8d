import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { registry } from '../platform/metrics.js';

export interface HintServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** host:port of the Temporal core metrics. */
  temporalMetrics: string;
  /** Told of every hint that there is work in a lane. */
  onHint: (lane: string) => void;
}

/** The worker's small HTTP server: lane hints from the API, metrics, liveness. */
export class HintServer {
  readonly #server: Server;

  constructor(private readonly options: HintServerOptions) {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.options.port, this.options.host, resolve);
    });
  }

  /** Where hints for a lane are taken. */
  url(lane: string): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    const everywhere = address === '0.0.0.0' || address === '::';
    const host = everywhere ? hostname() : family === 'IPv6' ? `[${address}]` : address;
    return `http://${host}:${port}/hint/${lane}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const path = request.url ?? '';
    if (request.method === 'POST' && path.startsWith('/hint/')) {
      this.options.onHint(decodeURIComponent(path.slice('/hint/'.length)));
      response.writeHead(204).end();
    } else if (request.method === 'GET' && path === '/metrics') {
      response.setHeader('content-type', registry.contentType);
      response.end(`${await registry.metrics()}\n${await this.#temporalMetrics()}`);
    } else if (request.method === 'GET' && path === '/healthz') {
      response.setHeader('content-type', 'application/json');
      response.end('{"status":"ok"}');
    } else {
      response.writeHead(404).end();
    }
  }

  async #temporalMetrics(): Promise<string> {
    try {
      const answer = await fetch(`http://${this.options.temporalMetrics}/metrics`, {
        signal: AbortSignal.timeout(2000),
      });
      return await answer.text();
    } catch (error) {
      return `# Temporal core metrics cannot be read: ${(error as Error).message}\n`;
    }
  }
}
