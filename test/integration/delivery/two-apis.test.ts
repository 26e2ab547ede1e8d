import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { connectMongo } from '../../../src/store/connection.js';
import { ApiCaller } from '../../support/api-caller.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

jest.setTimeout(120_000);

const BEHIND_MS = 400;
/** What a process loads first: from then on its clock is behind. */
const CLOCK_BEHIND = `--import=data:text/javascript,${encodeURIComponent(`
  const Real = Date;
  const now = () => Real.now() - ${BEHIND_MS};
  globalThis.Date = new Proxy(Real, {
    construct: (_, given, target) => Reflect.construct(Real, given.length === 0 ? [now()] : given, target),
    get: (_, name) => (name === 'now' ? now : Reflect.get(Real, name)),
  });
`)}`;

interface Created {
  id: string;
  timestamp: string;
}

let running: RunningStack;
/** The first one's clock is right, the second one's behind. */
let apis: ApiCaller[];

beforeAll(async () => {
  running = await runningStack({}, { apis: [{}, { NODE_OPTIONS: CLOCK_BEHIND }] });
  apis = running.stack.apiUrls.map((url) => new ApiCaller(url, running.stack.apiKey));
}, 60_000);
afterAll(() => running.end());

const inTurn = (n: number) => apis[n % apis.length]!;
const ascends = (ids: readonly string[]) => ids.every((id, n) => n === 0 || id > ids[n - 1]!);
const say = (text: string) => process.stderr.write(`figures: ${text}\n`);

/** Sends through the processes in turn, the next when the one before is answered. */
async function sendInTurn(
  app: string,
  count: number,
  onAnswer: (one: Created) => Promise<void> = () => Promise.resolve(),
): Promise<Created[]> {
  const created: Created[] = [];
  for (let n = 0; n < count; n++) {
    const message = { eventType: 'order.test', payload: { key: 'k', n } };
    const { status, body } = await inTurn(n).post<Created>(`/api/v1/app/${app}/msg`, message);
    expect(status).toBe(202);
    await onAnswer(body);
    created.push(body);
  }
  return created;
}

async function orderedTarget(): Promise<string> {
  const { app, ep } = await running.api.target(running.sink.url);
  const body = { fifo: { by: { key: '/key' } } };
  await running.api.call('PUT', `/api/v1/app/${app}/endpoint/${ep}/policy`, { body });
  return app;
}

describe('two API processes', () => {
  it('keep the order of a key over a client that uses both, the clock of one behind', async () => {
    const { sink } = running;
    sink.answer = (_, response) => void setTimeout(() => response.writeHead(204).end(), 40);
    const created = await sendInTurn(await orderedTarget(), 40);
    const ids = created.map(({ id }) => id);
    // The clock is behind indeed: by the time of arrival every second message would come first.
    expect(ascends(created.map(({ timestamp }) => timestamp))).toBe(false);
    expect(ascends(ids)).toBe(true);
    await sink.untilArrived(ids, 30_000);
    const known = new Set(ids);
    const arrived = sink.arrivals.map(({ id }) => id).filter((id) => known.has(id));
    expect(arrived).toEqual(ids);
  });

  it('answer for a message that keeps an order when its delivery is stored', async () => {
    running.sink.take();
    const app = await orderedTarget();
    const connection = await connectMongo(running.stack.mongodbUrl, 'holdfast');
    const deliveries = connection.db!.collection('wh_deliveries');
    try {
      await sendInTurn(app, 30, async ({ id: msg }) => {
        expect(await deliveries.countDocuments({ msg })).toBe(1);
      });
    } finally {
      await connection.close();
    }
  });

  it.each([
    ['of one message', 1],
    ['of batches', 5],
  ])('share the rate of an application, in requests %s', async (_, each) => {
    const perSec = 20;
    const seconds = 4;
    const app = (await running.api.post<Created>('/api/v1/app', { name: 'rate', throttleRate: perSec })).body
      .id;
    const item = { eventType: 'rate.test', payload: {} };
    const posts: Promise<number[]>[] = [];
    const from = performance.now();
    for (let n = 0; performance.now() - from < seconds * 1000; n++, await delay(each * 8)) {
      posts.push(
        each === 1
          ? inTurn(n)
              .post(`/api/v1/app/${app}/msg`, item)
              .then(({ status }) => [status])
          : inTurn(n)
              .post<{ results: { status: number }[] }>(`/api/v1/app/${app}/msg/batch`, {
                items: Array.from({ length: each }, () => item),
              })
              .then(({ body }) => body.results.map(({ status }) => status)),
      );
    }
    const statuses = (await Promise.all(posts)).flat();
    const tookSec = (performance.now() - from) / 1000;
    const accepted = statuses.filter((status) => status === 202).length;
    say(`rate ${perSec}/s over two processes: ${accepted} of ${statuses.length} in ${tookSec.toFixed(1)} s`);
    expect(new Set(statuses)).toEqual(new Set([202, 429]));
    expect(accepted).toBeGreaterThan(0.8 * perSec * seconds);
    // A burst of one second is on top.
    expect(accepted).toBeLessThanOrEqual(perSec * (tookSec + 1) + 1);
  });
});
