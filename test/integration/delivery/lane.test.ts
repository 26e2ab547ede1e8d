import { jest } from '@jest/globals';
import { LaneReader } from '../../../src/activities/webhooks/lane/reading/lane-reader.js';
import { RowsInHand } from '../../../src/activities/webhooks/lane/reading/rows-in-hand.js';
import { laneOf } from '../../../src/domain/webhooks/lane.js';
import { DeliveryRepository } from '../../../src/store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../../src/store/webhooks/delivery.schema.js';
import type { EndpointRow } from '../../../src/store/webhooks/endpoint.schema.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';
import { LANES, RunningLanes } from '../../support/delivery-side.js';

jest.setTimeout(60_000);

const given = DeliveryFixture.inThisFile();

describe('a lane', () => {
  it('delivers many messages to many endpoints once each', async () => {
    const endpoints = await Promise.all(
      Array.from({ length: 10 }, (_, n) => given.side.endpoint(`${given.sink.url}/${n}`)),
    );
    given.serve();
    const messages = await given.side.accept(endpoints, 200);
    await given.sink.until(() => given.sink.arrivals.length >= 2000, 30_000, '2000 arrivals');
    await given.side.until(
      () => given.side.models.deliveries.countDocuments({ state: 'delivered' }),
      (count) => count === 2000,
    );
    expect(given.sink.arrivals).toHaveLength(2000);
    expect(await given.side.models.attempts.countDocuments({})).toBe(2000);
    expect(new Set(given.sink.arrivals.map(({ id, path }) => `${id}${path}`)).size).toBe(
      messages.length * 10,
    );
  });

  it('goes on for the others while one endpoint hangs', async () => {
    const hanging = await given.side.endpoint(`${given.sink.url}/hang`);
    const healthy = await given.side.endpoint(`${given.sink.url}/ok`);
    given.sink.answer = ({ path }, response) => {
      if (path === '/ok') response.writeHead(204).end();
    };
    await given.side.accept([hanging], 300);
    given.serve();
    await given.sink.until(() => given.sink.arrivals.length >= 20, 30_000, 'hanging requests');
    await given.side.accept([healthy], 50);
    const arrived = () => given.sink.arrivals.filter(({ path }) => path === '/ok').length;
    await given.sink.until(() => arrived() === 50, 12_000, 'deliveries to the healthy endpoint');
    expect(given.sink.arrivals.filter(({ path }) => path === '/hang').length).toBeLessThanOrEqual(20);
    given.sink.take();
    given.sink.close();
  });

  it('is left at once while a try hangs, and nobody repeats that try', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    given.sink.answer = ({ path }, response) => {
      void (path === '/slow' ? released : Promise.resolve()).then(() => response.writeHead(204).end());
    };
    const slow = await given.side.endpoint(`${given.sink.url}/slow`);
    const quick = await given.side.endpoint(`${given.sink.url}/quick`);
    const first = new RunningLanes(given.side.services());
    const [hanging] = await given.side.accept([slow]);
    await given.sink.until(() => given.sink.arrivals.length === 1, 30_000, 'the slow request');
    await first.leave();
    given.serve();
    const [other] = await given.side.accept([quick]);
    await given.side.untilState(other!, quick, 'delivered');
    release();
    const row = await given.side.untilState(hanging!, slow, 'delivered');
    expect(row.n).toBe(1);
    expect(given.sink.arrivals.map(({ path }) => path)).toEqual(['/slow', '/quick']);
    await first.end();
  });
});

describe('one of fifty endpoints that hangs', () => {
  it('keeps its own slots only: every delivery to the others arrives meanwhile', async () => {
    given.sink.answer = ({ path }, response) => {
      if (path !== '/hang') response.writeHead(204).end();
    };
    const endpoints = await Promise.all(
      Array.from({ length: 50 }, (_, n) => given.side.endpoint(`${given.sink.url}/${n === 0 ? 'hang' : n}`)),
    );
    given.serve();
    await given.side.accept(endpoints, 40);
    const hung = () => given.sink.arrivals.filter(({ path }) => path === '/hang').length;
    await given.sink.until(
      () => given.sink.arrivals.length - hung() === 49 * 40,
      30_000,
      'all of the others',
    );
    expect(hung()).toBeGreaterThan(0);
    expect(hung()).toBeLessThanOrEqual(20);
  });
});

describe('rows that are due in the same millisecond', () => {
  it('are all seen: those of one endpoint do not hide those of another', async () => {
    given.sink.answer = ({ path }, response) =>
      void setTimeout(() => response.writeHead(204).end(), path === '/slow' ? 900 : 0);
    const slow = await given.side.endpoint(`${given.sink.url}/slow`);
    const quick = await inLaneOf(slow);
    const at = new Date();
    await given.side.accept([slow], 900, true, '{}', at);
    const messages = await given.side.accept([quick], 600, true, '{}', at);
    given.serve();
    await given.sink.untilArrived(
      messages.map(({ _id }) => _id),
      10_000,
    );
  });
});

describe('the due rows of a lane', () => {
  it('are read on from where some were left, not from the head, and at once where some were put back', async () => {
    const endpoint = await given.side.endpoint(`${given.sink.url}/backlog`);
    const lane = laneOf(endpoint._id, LANES);
    const start = Date.now() - 60_000;
    for (let n = 0; n < 70; n++)
      await given.side.accept([endpoint], 10, true, '{}', new Date(start + n * 100));
    const inHand = new RowsInHand();
    const reader = new LaneReader(new DeliveryRepository(given.side.models), lane, inHand);
    const dueMs = (row: DeliveryRow | undefined) => row!.q!.at.getTime() - start;

    const first = await reader.read([]);
    for (const row of first.rows.slice(0, 400)) inHand.take(row);
    reader.taken(first.rows);
    expect([first.rows.length, first.full, dueMs(first.rows[400])]).toEqual([500, true, 4000]);

    const second = await reader.read([]);
    expect([dueMs(second.rows[0]), dueMs(second.rows.at(-1))]).toEqual([4900, 6900]);
    reader.rewind();
    expect(dueMs((await reader.read([])).rows[0])).toBe(4000);
    inHand.putBack(first.rows[0]!);
    expect(dueMs((await reader.read([])).rows[0])).toBe(0);
  });
});

/** Another endpoint in the same shared lane. */
async function inLaneOf({ _id }: EndpointRow): Promise<EndpointRow> {
  for (;;) {
    const endpoint = await given.side.endpoint(`${given.sink.url}/quick`);
    if (laneOf(endpoint._id, LANES) === laneOf(_id, LANES)) return endpoint;
  }
}
