import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { ApiCaller } from '../../support/api-caller.js';
import type { ArrivalLog } from './arrival-log.js';

export const PLAIN = '/plain';
export const ORDERED = '/ordered';
export const REPLAYED = '/replayed';
export const MOVED = '/moved';

const BACKLOG = 60;
const SLOW_MS = 150;

/** The endpoints that deaths at special points are tried on, and what leads a process to some of the points. */
export class SpecialTargets {
  /** Ids that must come to `REPLAYED` and `MOVED`. */
  readonly replayed = new Set<string>();
  readonly moved = new Set<string>();
  /** Arrivals at `PLAIN` that the secret of the first moment does not verify: it signs on all the time. */
  readonly unsigned: string[] = [];

  private constructor(
    private readonly caller: ApiCaller,
    private readonly log: ArrivalLog,
    /** Application that gets the steady flow. */
    readonly app: string,
    private readonly plain: string,
    private readonly first: Webhook,
    private readonly side: { replayed: string; moved: string },
  ) {}

  static async create(caller: ApiCaller, log: ArrivalLog): Promise<SpecialTargets> {
    const { app, ep } = await caller.target(`${log.url}${PLAIN}`);
    const plain = `/api/v1/app/${app}/endpoint/${ep}`;
    await endpoint(caller, app, `${log.url}${ORDERED}`, {
      fifo: { by: { key: '/key' }, onExhausted: 'hold' },
    });
    const { body } = await caller.get<{ key: string }>(`${plain}/secret`);
    const application = async () =>
      (await caller.post<{ id: string }>('/api/v1/app', { name: 'side' })).body.id;
    const side = { replayed: await application(), moved: await application() };
    const targets = new SpecialTargets(caller, log, app, plain, new Webhook(body.key), side);
    log.onArrival = (path, headers, content) => {
      if (path !== PLAIN || verifies(targets.first, headers, content)) return;
      targets.unsigned.push(String(headers['webhook-id']));
    };
    return targets;
  }

  /** Changes the signing key; the old one signs on for a day. Repeats what a crash cut short. */
  async rotate(): Promise<void> {
    await this.#repeated('POST', `${this.plain}/secret/rotate`, {});
  }

  /** Whether the key in use now verifies what the endpoint was sent last. */
  async currentKeyVerifies(): Promise<boolean> {
    const { body } = await this.caller.get<{ key: string }>(`${this.plain}/secret`);
    const current = new Webhook(body.key);
    const verified = new Promise<boolean>((resolve) => {
      this.log.onArrival = (path, headers, content) =>
        void (path === PLAIN && resolve(verifies(current, headers, content)));
    });
    await this.#send(this.app, 1);
    return verified;
  }

  /** Starts a recovery of messages that an endpoint refused until now; it takes several pages. */
  async recover(): Promise<void> {
    const path = `${REPLAYED}-${this.replayed.size}`;
    this.log.refusing.add(path);
    const policy = { retrySchedule: [1], breaker: 'off', concurrency: 100 };
    const url = await endpoint(this.caller, this.side.replayed, `${this.log.url}${path}`, policy);
    const ids = await this.#send(this.side.replayed, BACKLOG);
    for (const id of ids) this.replayed.add(`${id} ${path}`);
    const body = { since: new Date(Date.now() - 600_000).toISOString() };
    for (;;) {
      const failed = await this.caller.post<{ count: number }>(`${url}/recover?dry_run=true`, body);
      if (failed.body.count === BACKLOG) break;
      await delay(100);
    }
    this.log.refusing.delete(path);
    await this.#repeated('POST', `${url}/recover`, body);
  }

  /** Gives an endpoint that keeps its order a backlog, and takes the order away: what waits changes its lane. */
  async move(): Promise<void> {
    const path = MOVED;
    this.log.slow.set(path, SLOW_MS);
    const url = await endpoint(this.caller, this.side.moved, `${this.log.url}${path}`, {
      fifo: { by: 'endpoint' },
    });
    for (const id of await this.#send(this.side.moved, BACKLOG)) this.moved.add(`${id} ${path}`);
    await this.#repeated('PUT', `${url}/policy`, { fifo: null });
  }

  #send(app: string, count: number): Promise<string[]> {
    const post = async (n: number) => {
      const body = { eventType: 'crash.test', payload: { n, key: 'side' } };
      return (await this.caller.post<{ id: string }>(`/api/v1/app/${app}/msg`, body)).body.id;
    };
    return Promise.all(Array.from({ length: count }, (_, n) => post(n)));
  }

  async #repeated(method: string, path: string, body: unknown): Promise<void> {
    for (;;) {
      const answer = await this.caller.call(method, path, { body }).catch((error: Error) => {
        if (error.name === 'TypeError') return null; // the API is down
        throw error;
      });
      if (answer !== null && answer.status < 500) return;
      await delay(100);
    }
  }
}

async function endpoint(caller: ApiCaller, app: string, url: string, policy: unknown): Promise<string> {
  const { body } = await caller.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, { url });
  const path = `/api/v1/app/${app}/endpoint/${body.id}`;
  const set = await caller.call('PUT', `${path}/policy`, { body: policy });
  if (set.status !== 200) throw new Error(`policy: ${set.status} ${JSON.stringify(set.body)}`);
  return path;
}

function verifies(key: Webhook, headers: Record<string, unknown>, body: Buffer): boolean {
  try {
    key.verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}
