import { jest } from '@jest/globals';
import { DeliveryFixture } from '../../support/delivery-fixture.js';
import { RunningLanes } from '../../support/delivery-side.js';
import { withoutBreaker } from '../../support/endpoint-policy.js';

jest.setTimeout(120_000);

const given = DeliveryFixture.inThisFile();

describe('a rate', () => {
  // A minute of it, in processes of their own: npm run acceptance -- webhooks A14
  it('of ten a second is kept by two workers, also when one takes over from the other', async () => {
    const endpoint = await given.side.endpoint(given.sink.url, { throttleRate: 10 });
    await given.side.accept([endpoint], 200);
    const first = new RunningLanes(given.side.services());
    await given.sink.until(
      () => given.sink.arrivals.length > 30,
      15_000,
      'three seconds of the first worker',
    );
    given.serve();
    await first.end();
    const startMs = given.sink.arrivals[0]!.atMs;
    await given.sink.until(() => given.sink.arrivals.at(-1)!.atMs >= startMs + 8000, 15_000, 'eight seconds');
    const perSec = given.sink.arrivals.filter(({ atMs }) => atMs < startMs + 8000).length / 8;
    expect(perSec).toBeGreaterThanOrEqual(8.5);
    // Requests that leave on time may arrive bunched on a busy machine.
    expect(perSec).toBeLessThanOrEqual(12);
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
    const endpoint = await given.side.endpoint(given.sink.url, withoutBreaker({ concurrency }));
    await given.side.accept([endpoint], concurrency * 6);
    given.serve();
    await given.sink.until(() => given.sink.arrivals.length === concurrency * 6, 20_000, 'all');
    expect(most).toBe(concurrency);
  });

  it('is not exceeded when a lane changes hands while tries are on their way', async () => {
    let open = 0;
    let most = 0;
    given.sink.answer = (_, response) => {
      most = Math.max(most, ++open);
      response.on('close', () => (open -= 1));
      setTimeout(() => response.writeHead(204).end(), 900);
    };
    const endpoint = await given.side.endpoint(given.sink.url, withoutBreaker({ concurrency: 4 }));
    const messages = await given.side.accept([endpoint], 40);
    const before: RunningLanes[] = [];
    for (const taken of [6, 14, 22]) {
      const lanes = new RunningLanes(given.side.services());
      await given.sink.until(() => given.sink.arrivals.length >= taken, 15_000, `${taken} arrivals`);
      await lanes.leave();
      before.push(lanes);
    }
    given.serve();
    await given.sink.untilArrived(
      messages.map(({ _id }) => _id),
      30_000,
    );
    for (const lanes of before) await lanes.end();
    expect(most).toBe(4);
    expect(given.sink.arrivals).toHaveLength(40);
  });
});
