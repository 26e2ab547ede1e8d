import type { Socket } from 'node:net';
import { buildConnector, Pool } from 'undici';
import type { EndpointTls } from '../../../domain/webhooks/endpoint-tls.js';
import { ForbiddenAddressError } from './address-resolver.js';
import type { ProxyTunnel } from './proxy-tunnel.js';

/** A keep-alive pool whose connections all lead to one vetted address, or through the proxy. */
export interface PinnedPool {
  pool: Pool;
  /** Null where a proxy resolves the name. */
  address: string | null;
  /** Answers received: above 0 a later request may meet a reused connection. */
  served: number;
  lastUsedMs: number;
  active: number;
}

/** The certificates of an endpoint. */
export interface OwnTls {
  /** Equal exactly for equal certificates and keys. */
  id: string;
  settings: EndpointTls;
}

export interface OriginPoolsOptions {
  isForbidden: (address: string) => boolean;
  /** Authorities trusted instead of the public ones, where an endpoint names none. */
  ca?: string;
  proxy?: ProxyTunnel;
  nowMs?: () => number;
}

const CONNECTIONS = 64;
const IDLE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5000;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Pools by origin, pinned address and certificates: HTTP/1.1, keep-alive, TLS 1.2 or later with the name of the URL.
 */
export class OriginPools {
  readonly #pools = new Map<string, PinnedPool>();
  readonly #connector: buildConnector.connector;
  readonly #nowMs: () => number;
  readonly #sweep: NodeJS.Timeout;

  constructor(private readonly options: OriginPoolsOptions) {
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#connector = this.#connectorFor({});
    this.#sweep = setInterval(() => this.#closeIdle(), IDLE_MS);
    this.#sweep.unref();
  }

  get(origin: string, address: string | null, tls: OwnTls | null = null): PinnedPool {
    const key = `${origin} ${address ?? ''} ${tls?.id ?? ''}`;
    let pinned = this.#pools.get(key);
    if (pinned === undefined) {
      pinned = { pool: this.#open(origin, address, tls), address, served: 0, lastUsedMs: 0, active: 0 };
      this.#pools.set(key, pinned);
    }
    pinned.lastUsedMs = this.#nowMs();
    return pinned;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(({ pool }) => pool.destroy()));
  }

  #open(origin: string, address: string | null, tls: OwnTls | null): Pool {
    // A connector keeps TLS sessions by host name, and a resumed one shows and checks no certificate again.
    const connector = tls === null ? this.#connector : this.#connectorFor(tls.settings);
    return new Pool(origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      // The reader's own timer covers the whole try.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: (options, callback) =>
        address === null
          ? void handOver(this.#tunnelled(connector, options), callback)
          : this.#connect(connector, options, address, callback),
    });
  }

  #connectorFor({ ca = this.options.ca, identity }: EndpointTls): buildConnector.connector {
    return buildConnector({
      timeout: CONNECT_TIMEOUT_MS,
      allowH2: false,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...identity,
    });
  }

  // The name stays for TLS and the Host header; the connection goes to the address that was vetted.
  #connect(
    connector: buildConnector.connector,
    options: buildConnector.Options,
    address: string,
    callback: buildConnector.Callback,
  ): void {
    connector({ ...options, hostname: address }, (error, socket) => {
      if (error !== null) return callback(error, null);
      if (this.options.isForbidden(socket.remoteAddress ?? '')) {
        socket.destroy();
        return callback(new ForbiddenAddressError(options.host ?? options.hostname), null);
      }
      keepFirstFault(socket);
      callback(null, socket);
    });
  }

  async #tunnelled(connector: buildConnector.connector, options: buildConnector.Options): Promise<Socket> {
    const { host = options.hostname, port, protocol } = options;
    const target = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host;
    const httpSocket = await this.options.proxy!.open(target);
    keepFirstFault(httpSocket);
    if (protocol !== 'https:') return httpSocket;
    return new Promise((resolve, reject) => {
      connector({ ...options, httpSocket }, (error, socket) => {
        if (error !== null) return reject(error);
        keepFirstFault(socket);
        resolve(socket);
      });
    });
  }

  #closeIdle(): void {
    const before = this.#nowMs() - 2 * IDLE_MS;
    for (const [key, { pool, lastUsedMs, active }] of this.#pools) {
      if (active > 0 || lastUsedMs > before) continue;
      this.#pools.delete(key);
      void pool.close();
    }
  }
}

async function handOver(opening: Promise<Socket>, callback: buildConnector.Callback): Promise<void> {
  let socket: Socket;
  try {
    socket = await opening;
  } catch (error) {
    return callback(error as Error, null);
  }
  callback(null, socket);
}

/**
 * With TLS 1.3 a receiver refuses our certificate after the handshake has ended for us: its alert is an error of the
 * open socket, which the pool then replaces with "other side closed". This gives the later error its cause.
 */
function keepFirstFault(socket: Socket): void {
  let first: Error | null = null;
  socket.on('error', (error) => {
    first ??= error;
    if (error !== first) error.cause = first;
  });
}
