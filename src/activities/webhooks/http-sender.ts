import type { TryResult } from '../../domain/webhooks/answer.js';
import { AddressResolver } from './transport/address-resolver.js';
import type { AddressResolverOptions } from './transport/address-resolver.js';
import { OriginPools } from './transport/origin-pools.js';
import type { OwnTls, PinnedPool } from './transport/origin-pools.js';
import { ProxyTunnel } from './transport/proxy-tunnel.js';
import { ResponseReader, TryTimeoutError } from './transport/response-reader.js';
import type { AnswerHeaders, ReceivedAnswer } from './transport/response-reader.js';
import { transportFault } from './transport/transport-error.js';

/** One POST to a receiver. */
export interface OutgoingRequest {
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array;
  /** Whole try, body of the answer included. */
  timeoutMs: number;
  tls?: OwnTls | null;
}

/** What a try brought. A receiver's fault is a result, never an exception. */
export interface SendResult extends TryResult {
  error: string | null;
  /** The address that was used, null when none was reached. */
  ip: string | null;
  response: string;
  headers: AnswerHeaders;
  durationMs: number;
}

export interface HttpSenderOptions extends AddressResolverOptions {
  ca?: string;
  /** The HTTP proxy that all requests go through; it resolves their names. */
  proxyUrl?: string | undefined;
}

/** Longest whole try, where an endpoint does not say otherwise. */
export const TRY_TIMEOUT_MS = 20_000;
/** The most an endpoint may say. */
export const MAX_TRY_TIMEOUT_MS = 30_000;
/** A name with many addresses is not tried longer than this many of them in one try. */
const MAX_ADDRESSES = 3;
/** A reused connection that breaks sooner than this was closed by the receiver while idle: once more at once. */
const STALE_SOCKET_MS = 1000;

/** Thrown when the caller gave the try up: nothing is known about its effect. */
export class SendAbortedError extends Error {
  override name = 'SendAbortedError';
}

/** Sends webhooks: vetted and pinned addresses, keep-alive, no redirects, bounded answers. */
export class HttpSender {
  readonly #resolver: AddressResolver;
  readonly #pools: OriginPools;
  readonly #isProxied: boolean;
  readonly #running = new Set<ResponseReader>();

  constructor(options: HttpSenderOptions) {
    this.#resolver = new AddressResolver(options);
    this.#isProxied = options.proxyUrl !== undefined;
    this.#pools = new OriginPools({
      isForbidden: (address) => this.#resolver.isForbidden(address),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.proxyUrl === undefined ? {} : { proxy: new ProxyTunnel(options.proxyUrl) }),
    });
  }

  /** @throws SendAbortedError when `signal` fires before there is a result */
  async send(request: OutgoingRequest, signal?: AbortSignal): Promise<SendResult> {
    const started = performance.now();
    const result = await this.#overAddresses(request, started, signal);
    return { ...result, durationMs: Math.round(performance.now() - started) };
  }

  /** Closes all connections. Tries that are still running end with `connection_reset`. */
  async close(): Promise<void> {
    for (const reader of this.#running) reader.abort(new SendAbortedError('the sender is closing'));
    await this.#pools.close();
  }

  async #overAddresses(request: OutgoingRequest, started: number, signal?: AbortSignal): Promise<Outcome> {
    let addresses: (string | null)[];
    try {
      addresses = await this.#addresses(request.url);
    } catch (error) {
      return failure(error, null);
    }
    let outcome: Outcome | null = null;
    for (const address of addresses.slice(0, MAX_ADDRESSES)) {
      outcome = await this.#toAddress(request, address, started, signal);
      if (outcome.errorCode !== 'connection_refused') break;
    }
    return outcome!;
  }

  async #addresses(url: URL): Promise<(string | null)[]> {
    if (!this.#isProxied) return this.#resolver.vetted(url);
    this.#resolver.checkUnresolved(url);
    return [null];
  }

  async #toAddress(
    request: OutgoingRequest,
    address: string | null,
    started: number,
    signal?: AbortSignal,
  ): Promise<Outcome> {
    const pinned = this.#pools.get(request.url.origin, address, request.tls);
    const reused = pinned.served > 0;
    const outcome = await this.#once(request, pinned, started, signal);
    const stale = reused && outcome.errorCode === 'connection_reset';
    if (!stale || performance.now() - started > STALE_SOCKET_MS) return outcome;
    return this.#once(request, pinned, started, signal);
  }

  async #once(
    { url, headers, body, timeoutMs }: OutgoingRequest,
    pinned: PinnedPool,
    started: number,
    signal?: AbortSignal,
  ): Promise<Outcome> {
    if (signal?.aborted) throw new SendAbortedError('the try was given up');
    const reader = new ResponseReader(Math.max(timeoutMs - (performance.now() - started), 1));
    const abort = () => reader.abort(new SendAbortedError('the try was given up'));
    signal?.addEventListener('abort', abort, { once: true });
    this.#running.add(reader);
    pinned.active += 1;
    try {
      pinned.pool.dispatch({ path: url.pathname + url.search, method: 'POST', headers, body }, reader);
      const answer = await reader.answer;
      pinned.served += 1;
      return { ...answer, errorCode: null, error: null, ip: pinned.address };
    } catch (error) {
      if (error instanceof SendAbortedError) throw error;
      return failure(error, pinned.address, timeoutMs);
    } finally {
      pinned.active -= 1;
      this.#running.delete(reader);
      signal?.removeEventListener('abort', abort);
    }
  }
}

type Outcome = Omit<SendResult, 'durationMs'>;

export const NO_ANSWER: ReceivedAnswer = {
  code: 0,
  retryAfter: null,
  directive: null,
  response: '',
  headers: {},
};

function failure(error: unknown, ip: string | null, timeoutMs = TRY_TIMEOUT_MS): Outcome {
  if (!(error instanceof TryTimeoutError)) return { ...NO_ANSWER, ...transportFault(error), ip };
  return { ...NO_ANSWER, errorCode: 'timeout', error: `no complete answer within ${timeoutMs} ms`, ip };
}
