import { Pool } from 'undici';

export interface Sent {
  id: string;
  /** Wall clock in milliseconds, with fractions. */
  sentAt: number;
  acceptedAt: number;
}

const wallClock = () => performance.timeOrigin + performance.now();

/** Posts messages to one application over keep-alive connections. */
export class LoadGenerator {
  readonly #pool: Pool;
  readonly #request;
  readonly #message;

  constructor(apiUrl: string, apiKey: string, app: string, payloadBytes: number, connections: number) {
    this.#pool = new Pool(apiUrl, { connections, pipelining: 1 });
    const payload = { text: 'x'.repeat(Math.max(1, payloadBytes - '{"text":""}'.length)) };
    this.#message = { eventType: 'bench.message', payload };
    this.#request = {
      method: 'POST' as const,
      path: `/api/v1/app/${app}/msg?with_content=false`,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(this.#message),
    };
  }

  /**
   * Closed loop: `connections` requests in flight until `count` are accepted.
   * @param channels of the n-th message
   */
  async closedLoop(count: number, connections: number, channels?: (n: number) => string[]): Promise<Sent[]> {
    const sent: Sent[] = [];
    let left = count;
    const lane = async () => {
      while (left-- > 0) sent.push(await this.#send(channels?.(left)));
    };
    await Promise.all(Array.from({ length: connections }, lane));
    return sent;
  }

  /** Closed loop of batches: `connections` batches of `size` in flight until `count` messages are accepted. */
  async batches(count: number, size: number, connections: number): Promise<Sent[]> {
    const sent: Sent[] = [];
    const { path, body } = this.#request;
    const items = Array.from({ length: size }, () => body).join(',');
    const request = {
      ...this.#request,
      path: path.replace('/msg?', '/msg/batch?'),
      body: `{"items":[${items}]}`,
    };
    let left = count;
    const lane = async () => {
      while ((left -= size) >= 0) sent.push(...(await this.#sendBatch(request)));
    };
    await Promise.all(Array.from({ length: connections }, lane));
    return sent;
  }

  /**
   * Open loop: `perSecond` requests a second whatever the answers do, for `seconds`; gives them in the order they were sent.
   * @param channels of the n-th message
   */
  async openLoop(perSecond: number, seconds: number, channels?: (n: number) => string[]): Promise<Sent[]> {
    const begin = performance.now();
    const sends: Promise<Sent>[] = [];
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => {
        const due = Math.min(
          Math.floor(((performance.now() - begin) / 1_000) * perSecond),
          perSecond * seconds,
        );
        while (sends.length < due) sends.push(this.#send(channels?.(sends.length)));
        if (due < perSecond * seconds) return;
        clearInterval(timer);
        Promise.all(sends).then(resolve, reject);
      }, 1);
    });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #sendBatch(request: Parameters<Pool['request']>[0]): Promise<Sent[]> {
    const sentAt = wallClock();
    const { statusCode, body } = await this.#pool.request(request);
    const text = await body.text();
    if (statusCode !== 202) throw new Error(`expected 202, got ${statusCode}: ${text.slice(0, 500)}`);
    const acceptedAt = wallClock();
    const { results } = JSON.parse(text) as { results: { id?: string; status: number }[] };
    return results.map(({ id, status }) => {
      if (id === undefined) throw new Error(`expected 202 for each item, got ${status}`);
      return { id, sentAt, acceptedAt };
    });
  }

  async #send(channels?: string[]): Promise<Sent> {
    const sentAt = wallClock();
    const { statusCode, body } = await this.#pool.request(
      channels ? { ...this.#request, body: JSON.stringify({ ...this.#message, channels }) } : this.#request,
    );
    const text = await body.text();
    if (statusCode !== 202) throw new Error(`expected 202, got ${statusCode}: ${text}`);
    return { id: (JSON.parse(text) as { id: string }).id, sentAt, acceptedAt: wallClock() };
  }
}
