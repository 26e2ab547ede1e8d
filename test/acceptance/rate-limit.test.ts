import { jest } from '@jest/globals';
import { runningStack } from '../support/running-stack.js';
import type { RunningStack } from '../support/running-stack.js';

jest.setTimeout(240_000);

let running: RunningStack;
beforeAll(async () => {
  running = await runningStack({}, { workers: 2, autoRestart: false });
}, 120_000);
afterAll(() => running?.end(), 60_000);
beforeEach(() => {
  running.sink.arrivals.length = 0;
});

const post = async (app: string, count: number): Promise<void> => {
  const items = Array.from({ length: count }, (_, n) => ({ eventType: 'rate.test', payload: { n } }));
  expect((await running.api.post(`/api/v1/app/${app}/msg/batch`, { items })).status).toBe(202);
};

/** Arrivals within each stretch of `ms` since the first, `stretches` of them. */
function counted(ms: number, stretches: number): number[] {
  const startMs = running.sink.arrivals[0]!.atMs;
  const counts = Array.from({ length: stretches }, () => 0);
  for (const { atMs } of running.sink.arrivals) {
    const stretch = Math.floor((atMs - startMs) / ms);
    if (stretch < stretches) counts[stretch]! += 1;
  }
  return counts;
}

async function aMinute(): Promise<void> {
  const { sink } = running;
  await sink.until(() => sink.arrivals.length > 0, 30_000, 'the first');
  const endMs = sink.arrivals[0]!.atMs + 60_000;
  await sink.until(() => sink.arrivals.at(-1)!.atMs >= endMs, 70_000, 'a minute');
}

describe('with two workers', () => {
  it('ten a second are ten a second, in a minute and in each ten seconds of it', async () => {
    const { app } = await running.api.target(running.sink.url, { throttleRate: 10 });
    await post(app, 700);
    await aMinute();
    const tens = counted(10_000, 6);
    const perSec = tens.reduce((sum, count) => sum + count, 0) / 60;
    process.stderr.write(
      `figures: ${perSec.toFixed(2)} a second over 60 s; in each 10 s: ${tens.join(', ')}; ` +
        `most in a second: ${Math.max(...counted(1000, 60))}\n`,
    );
    expect(Math.abs(perSec - 10)).toBeLessThanOrEqual(1);
    for (const count of tens) expect(Math.abs(count / 10 - 10)).toBeLessThanOrEqual(1);
  });

  it('no more tries than allowed are on their way at a time, and the rate holds, while workers come and go', async () => {
    const { api, sink, stack } = running;
    let open = 0;
    let most = 0;
    sink.answer = ({ path }, response) => {
      // What is left for the endpoint of the test before may still come.
      if (path !== '/few') return void response.writeHead(204).end();
      most = Math.max(most, ++open);
      response.on('close', () => (open -= 1));
      setTimeout(() => response.writeHead(204).end(), 700);
    };
    const few = () => sink.arrivals.filter(({ path }) => path === '/few');
    const { app, ep } = await api.target(`${sink.url}/few`, { throttleRate: 10 });
    const body = { concurrency: 3, breaker: 'off' };
    expect((await api.call('PUT', `/api/v1/app/${app}/endpoint/${ep}/policy`, { body })).status).toBe(200);
    await post(app, 400);
    for (const [victim, signal] of [
      ['worker', 'SIGTERM'],
      ['worker-2', 'SIGKILL'],
      ['worker', 'SIGKILL'],
      ['worker-2', 'SIGTERM'],
    ] as const) {
      const enough = few().length + 25;
      await sink.until(() => few().length >= enough, 60_000, '25 more');
      await stack.kill(victim, signal);
      await stack.restart(victim);
    }
    const [first, last] = [few()[0]!, few().at(-1)!];
    const perSec = (1000 * (few().length - 1)) / (last.atMs - first.atMs);
    process.stderr.write(
      `figures: at most ${most} at a time of 3 allowed, ${perSec.toFixed(2)} a second, over 4 ends of workers\n`,
    );
    expect(most).toBe(3);
    expect(perSec).toBeLessThanOrEqual(11);
  });
});
