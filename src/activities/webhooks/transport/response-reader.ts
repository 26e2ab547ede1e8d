import type { Dispatcher } from 'undici';

/** The part of an answer that is kept. */
export interface ReceivedAnswer {
  code: number;
  retryAfter: string | null;
  directive: string | null;
  /** The first bytes of the body as text, as received: compressed answers are never unpacked. */
  response: string;
  headers: AnswerHeaders;
}

/** As undici gives them: names in lower case, an array where one came several times. */
export type AnswerHeaders = Record<string, string | string[] | undefined>;

/** More than this is not read: the connection is closed. */
const MAX_READ_BYTES = 64 * 1024;
const MAX_KEPT_BYTES = 16 * 1024;

/** Thrown when the whole try, body included, took too long. */
export class TryTimeoutError extends Error {
  override name = 'TryTimeoutError';
}

/** Reads one answer within the limits of size and time. */
export class ResponseReader implements Dispatcher.DispatchHandler {
  readonly answer: Promise<ReceivedAnswer>;
  #resolve!: (answer: ReceivedAnswer) => void;
  #reject!: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #settled = false;
  readonly #timer: NodeJS.Timeout;
  #code = 0;
  #retryAfter: string | null = null;
  #directive: string | null = null;
  #headers: AnswerHeaders = {};
  readonly #chunks: Buffer[] = [];
  #read = 0;

  constructor(timeoutMs: number) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setTimeout(() => this.abort(new TryTimeoutError()), timeoutMs);
  }

  /** Ends the try; a request that is still queued is then never written. */
  abort(error: Error): void {
    if (!this.#settle()) return;
    this.#reject(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('the try has ended'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, code: number, headers: AnswerHeaders): void {
    if (code < 200) return;
    this.#code = code;
    this.#headers = headers;
    this.#retryAfter = single(headers['retry-after']);
    this.#directive = single(headers['webhook-delivery']);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    if (this.#read < MAX_KEPT_BYTES) this.#chunks.push(chunk.subarray(0, MAX_KEPT_BYTES - this.#read));
    this.#read += chunk.length;
    if (this.#read <= MAX_READ_BYTES) return;
    this.onResponseEnd();
    controller.abort(new Error('the answer is longer than is read'));
  }

  onResponseEnd(): void {
    if (!this.#settle()) return;
    const response = this.#chunks.length === 0 ? '' : Buffer.concat(this.#chunks).toString('utf8');
    this.#resolve({
      code: this.#code,
      retryAfter: this.#retryAfter,
      directive: this.#directive,
      response,
      headers: this.#headers,
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    return true;
  }
}

const single = (value: string | string[] | undefined) =>
  Array.isArray(value) ? (value[0] ?? null) : (value ?? null);
