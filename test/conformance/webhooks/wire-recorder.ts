import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call as it went over the wire. */
export interface Exchange {
  method: string;
  /** Without query. */
  path: string;
  status: number;
  contentType: string;
  body: string;
}

/** Stands between a client and the API and keeps what the API answered, byte for byte. */
export class WireRecorder {
  readonly exchanges: Exchange[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async before(apiUrl: string): Promise<WireRecorder> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const recorder = new WireRecorder(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = 'GET', url = '/' } = request;
        const sent = { method, url, headers: request.headers, body: Buffer.concat(chunks) };
        recorder.#passOn(apiUrl, sent).then(
          ({ status, contentType, body }) =>
            response.writeHead(status, contentType ? { 'content-type': contentType } : {}).end(body),
          (error: Error) => response.destroy(error),
        );
      });
    });
    return recorder;
  }

  async #passOn(apiUrl: string, sent: SentRequest): Promise<Exchange> {
    const { host: _, connection: __, 'content-length': ___, ...headers } = sent.headers;
    const answer = await fetch(`${apiUrl}${sent.url}`, {
      method: sent.method,
      headers: headers as Record<string, string>,
      ...(sent.body.length > 0 ? { body: sent.body } : {}),
    });
    const exchange = {
      method: sent.method,
      path: sent.url.split('?')[0] ?? '/',
      status: answer.status,
      contentType: answer.headers.get('content-type') ?? '',
      body: await answer.text(),
    };
    this.exchanges.push(exchange);
    return exchange;
  }

  end(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

interface SentRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}
