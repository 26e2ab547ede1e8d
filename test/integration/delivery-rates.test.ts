import { jest } from '@jest/globals';
import { DeliveryFixture } from '../support/delivery-fixture.js';
import { RunningLanes } from '../support/delivery-side.js';

jest.setTimeout(120_000);

const given = DeliveryFixture.inThisFile();
const policy = (more: object) => ({
  policy: {
    retrySchedule: null,
    timeoutMs: null,
    concurrency: null,
    fifo: null,
    breaker: 'off' as const,
    ...more,
  },
});

describe('a rate', () => {
  it('of ten a second is kept over a minute by two workers', async () => {
    const endpoint = await given.side.endpoint(given.sink.url, { throttleRate: 10 });
    await given.side.accept([endpoint], 700);
    const other = new RunningLanes(given.side.services());
    given.serve();
    await given.sink.until(() => given.sink.arrivals.length > 0, 10_000, 'the first');
    const startMs = given.sink.arrivals[0]!.atMs;
    await given.sink.until(() => given.sink.arrivals.at(-1)!.atMs >= startMs + 60_000, 70_000, 'a minute');
    const within = given.sink.arrivals.filter(({ atMs }) => atMs < startMs + 60_000).length;
    expect(within / 60).toBeGreaterThanOrEqual(9);
    expect(within / 60).toBeLessThanOrEqual(11);
    await other.end();
  });

  it('of one endpoint does not slow down another', async () => {
    const slow = await given.side.endpoint(`${given.sink.url}/slow`, { throttleRate: 1 });
    const quick = await given.side.endpoint(`${given.sink.url}/quick`);
    await given.side.accept([slow], 200);
    given.serve();
    await given.side.accept([quick], 100);
    const quickOnes = () => given.sink.arrivals.filter(({ path }) => path === '/quick').length;
    await given.sink.until(() => quickOnes() === 100, 10_000, 'all of the quick one');
  });
});

describe('the concurrency of an endpoint', () => {
  it.each([1, 5, 25])('of %i is used and never exceeded', async (concurrency) => {
    let open = 0;
    let most = 0;
    given.sink.answer = (_, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open -= 1;
        response.writeHead(204).end();
      }, 50);
    };
    const endpoint = await given.side.endpoint(given.sink.url, policy({ concurrency }));
    await given.side.accept([endpoint], concurrency * 6);
    given.serve();
    await given.sink.until(() => given.sink.arrivals.length === concurrency * 6, 20_000, 'all');
    expect(most).toBe(concurrency);
  });
});
