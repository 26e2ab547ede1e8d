import { jest } from '@jest/globals';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

jest.setTimeout(180_000);

let running: RunningStack;
afterEach(() => running.end());

interface Ordered {
  key: string;
  n: number;
}

/** Posts messages one after the other, keys in turn. @returns the ids in the order they were accepted */
async function post(app: string, count: number, keys: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const payload: Ordered = { key: keys[n % keys.length]!, n };
    const { body } = await running.api.post<{ id: string }>(`/api/v1/app/${app}/msg`, {
      eventType: 'order.test',
      payload,
    });
    ids.push(body.id);
  }
  return ids;
}

const payloads = () => running.sink.arrivals.map(({ body }) => JSON.parse(body.toString()) as Ordered);

/** Of a key, what arrived for the first time, in the order it arrived. */
const firsts = (key: string) => [
  ...new Set(
    payloads()
      .filter((one) => one.key === key)
      .map(({ n }) => n),
  ),
];
const ascending = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);

/** Repeats that came after a later one of the same key. */
function inversions(key: string): number {
  let highest = -1;
  let found = 0;
  for (const { n } of payloads().filter((one) => one.key === key)) {
    if (n < highest) found += 1;
    highest = Math.max(highest, n);
  }
  return found;
}

async function target(fifo: unknown): Promise<{ app: string; ep: string }> {
  const { app, ep } = await running.api.target(running.sink.url);
  const path = `/api/v1/app/${app}/endpoint/${ep}/policy`;
  const body = { fifo, retrySchedule: [1, 1, 1, 1, 1], breaker: 'off' };
  expect((await running.api.call('PUT', path, { body })).status).toBe(200);
  return { app, ep };
}

describe('an endpoint with an order', () => {
  it('gets messages one by one as they were accepted, over failures, kills and the hand-over between two workers', async () => {
    running = await runningStack({}, { workers: 2, autoRestart: false });
    const { sink, stack } = running;
    let requests = 0;
    let open = 0;
    let most = 0;
    sink.answer = (_, response) => {
      requests += 1;
      open += 1;
      most = Math.max(most, open);
      const code = requests % 7 === 0 ? 500 : 204;
      response.on('close', () => (open -= 1));
      setTimeout(() => response.writeHead(code).end(), 20);
    };
    const { app } = await target({ by: 'endpoint' });
    const posting = post(app, 60, ['a']);
    await sink.until(() => sink.arrivals.length >= 10, 30_000, 'the first ten');
    // Whichever of the two has the lane: one of these takes it away without a warning, the other one in order.
    await stack.kill('worker', 'SIGKILL');
    await sink.until(() => sink.counts.size >= 30, 60_000, 'half of them');
    await stack.restart('worker');
    await stack.kill('worker-2', 'SIGTERM');
    const ids = await posting;
    await sink.untilArrived(ids, 90_000);
    expect(firsts('a')).toEqual(ascending(firsts('a')));
    expect(inversions('a')).toBe(0);
    expect(most).toBe(1);
  });

  it('holds the messages of a key behind one that fails, and no others', async () => {
    running = await runningStack();
    const { sink } = running;
    let failures = 2;
    sink.answer = ({ body }, response) => {
      const { key, n } = JSON.parse(body.toString()) as Ordered;
      const fails = key === 'bad' && n === 0 && failures-- > 0;
      response.writeHead(fails ? 500 : 204).end();
    };
    const { app } = await target({ by: { key: '/key' } });
    const ids = await post(app, 20, ['bad', 'good']);
    await sink.untilArrived(ids, 30_000);
    expect(firsts('bad')).toEqual(ascending(firsts('bad')));
    expect(firsts('good')).toEqual(ascending(firsts('good')));
    const all = payloads();
    const lastGood = all.findLastIndex(({ key }) => key === 'good');
    const secondBad = all.findIndex(({ key, n }) => key === 'bad' && n === 2);
    expect(lastGood).toBeLessThan(secondBad);
  });

  it('goes on after one that was given up, or waits for somebody to decide, as its policy says', async () => {
    running = await runningStack({ WEBHOOK_RETRY_SCHEDULE: '0.2' });
    const { sink, api } = running;
    sink.answer = ({ body }, response) => {
      const { n } = JSON.parse(body.toString()) as Ordered;
      response.writeHead(n === 0 ? 500 : 204).end();
    };
    const { app, ep } = await running.api.target(sink.url);
    const policy = `/api/v1/app/${app}/endpoint/${ep}/policy`;
    const held = { fifo: { by: 'endpoint', onExhausted: 'hold' } };
    await api.call('PUT', policy, { body: held });
    const ids = await post(app, 3, ['a']);
    await sink.until(() => sink.arrivals.length >= 2, 20_000, 'both tries');
    const states = async () => {
      const list = await api.get<{ data: { state: string }[] }>(
        `/api/v1/app/${app}/delivery?endpoint_id=${ep}`,
      );
      return list.body.data.map(({ state }) => state).toSorted();
    };
    for (const deadline = Date.now() + 10_000; !(await states()).includes('held');) {
      expect(Date.now()).toBeLessThan(deadline);
    }
    expect(await states()).toEqual(['held', 'pending', 'pending']);
    await api.call('PUT', policy, { body: { fifo: { by: 'endpoint', onExhausted: 'skip' } } });
    await sink.untilArrived(ids, 20_000);
    expect(firsts('a')).toEqual([0, 1, 2]);
  });
});
