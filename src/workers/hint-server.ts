import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { MAX_OFFER_BYTES, OFFER_SIGNATURE } from '../contracts/webhooks/lane-offer.js';
import type { OfferedMessage } from '../contracts/webhooks/lane-offer.js';
import { registry } from '../platform/metrics.js';

export interface HintServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** host:port of the Temporal core metrics. */
  temporalMetrics: string;
  /** Key of the signatures of offers. */
  offerKey: KeyObject;
  /** Told of every hint that there is work in a lane. */
  onHint: (lane: string) => void;
  /** Told of messages that came with a hint. False when they must be read. */
  onOffer: (lane: string, messages: OfferedMessage[]) => boolean;
}

/** The worker's small HTTP server: lane hints from the API, metrics, liveness. */
export class HintServer {
  readonly #server: Server;

  constructor(private readonly options: HintServerOptions) {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
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
    const path = request.url ?? '';
    if (request.method === 'POST' && path.startsWith('/hint/')) {
      response.writeHead(await this.#hint(decodeURIComponent(path.slice('/hint/'.length)), request)).end();
      return;
    }
    request.resume();
    if (request.method === 'GET' && path === '/metrics') {
      response.setHeader('content-type', registry.contentType);
      response.end(`${await registry.metrics()}\n${await this.#temporalMetrics()}`);
    } else if (request.method === 'GET' && path === '/healthz') {
      response.setHeader('content-type', 'application/json');
      response.end('{"status":"ok"}');
    } else {
      response.writeHead(404).end();
    }
  }

  /** @returns 204 when what came is taken care of, 409 when it must be read: hint again when it is stored */
  async #hint(lane: string, request: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_OFFER_BYTES) return 413;
      chunks.push(chunk);
    }
    if (bytes === 0) {
      this.options.onHint(lane);
      return 204;
    }
    const body = Buffer.concat(chunks);
    if (!this.#isSigned(body, request.headers[OFFER_SIGNATURE])) return 401;
    return this.options.onOffer(lane, JSON.parse(body.toString()) as OfferedMessage[]) ? 204 : 409;
  }

  #isSigned(body: Buffer, signature: string | string[] | undefined): boolean {
    const expected = createHmac('sha256', this.options.offerKey).update(body).digest();
    const got = Buffer.from(String(signature), 'base64');
    return got.length === expected.length && timingSafeEqual(got, expected);
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
