import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { AttemptErrorCode } from '../../../contracts/webhooks/delivery.js';

/** A tunnel that did not come about, with whose fault it was. */
export class TunnelError extends Error {
  override name = 'TunnelError';
  constructor(
    readonly errorCode: AttemptErrorCode,
    message: string,
  ) {
    super(message);
  }
}

const OPEN_MS = 5000;

/** Connections to receivers through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6), also for plain http. */
export class ProxyTunnel {
  readonly #proxy: URL;

  /** @param url of the proxy; its user name and password become basic credentials */
  constructor(url: string) {
    this.#proxy = new URL(url);
  }

  /** @param target `host:port` of the receiver. @throws TunnelError */
  open(target: string): Promise<Socket> {
    const isSecure = this.#proxy.protocol === 'https:';
    const request = (isSecure ? httpsRequest : httpRequest)({
      host: this.#proxy.hostname.replace(/^\[|\]$/g, ''),
      port: this.#proxy.port || (isSecure ? 443 : 80),
      ...{ method: 'CONNECT', path: target, agent: false, headers: this.#headers(target) },
    });
    let reached = false;
    request.once('socket', (socket) =>
      socket.once(isSecure ? 'secureConnect' : 'connect', () => (reached = true)),
    );
    return new Promise<Socket>((resolve, reject) => {
      const late = setTimeout(() => request.destroy(new Error('ETIMEDOUT')), OPEN_MS);
      request.once('close', () => clearTimeout(late));
      request.on('error', (error: NodeJS.ErrnoException) => {
        reject(reached ? silent(error) : ours(`no connection to the proxy (${error.code ?? error.message})`));
      });
      request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
        clearTimeout(late);
        if (statusCode < 200 || statusCode > 299) {
          socket.destroy();
          return reject(refusal(statusCode));
        }
        if (head.length > 0) socket.unshift(head);
        socket.setNoDelay(true);
        resolve(socket);
      });
      request.end();
    });
  }

  #headers(target: string): Record<string, string> {
    const { username, password } = this.#proxy;
    if (username === '' && password === '') return { host: target };
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return {
      host: target,
      'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}`,
    };
  }
}

const ours = (message: string) => new TunnelError('proxy_error', message);

/** The proxy was reached and then said nothing: either it is broken, or it waits for the receiver. */
const silent = (error: Error) =>
  error.message === 'ETIMEDOUT'
    ? new TunnelError('timeout', 'the proxy had no connection to the receiver within 5 s')
    : ours('the proxy closed the connection');

// A receiver that is down must use up its tries, so what a proxy says of it is not a fault of the proxy.
function refusal(status: number): TunnelError {
  if (status === 403) return new TunnelError('forbidden_address', 'the proxy does not allow this receiver');
  if (status === 502 || status === 503)
    return new TunnelError('connection_refused', `the proxy has no connection to the receiver (${status})`);
  if (status === 504) return new TunnelError('timeout', 'the proxy waited too long for the receiver (504)');
  return ours(`the proxy answered ${status}`);
}
