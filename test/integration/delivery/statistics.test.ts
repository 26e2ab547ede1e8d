import { StatisticsReader } from '../../../src/api/webhooks/statistics/statistics-reader.js';
import { BucketSum } from '../../../src/domain/webhooks/statistics/bucket-sum.js';
import { bucketId, bucketRanges, LEVEL_MS } from '../../../src/domain/webhooks/statistics/bucket.js';
import type { Level } from '../../../src/domain/webhooks/statistics/bucket.js';
import type { AttemptRow } from '../../../src/store/webhooks/attempt.schema.js';
import { DeliveryListRepository } from '../../../src/store/webhooks/lists/delivery-list.repository.js';
import { StatisticsRepository } from '../../../src/store/webhooks/statistics/statistics.repository.js';
import type { StatisticsRow } from '../../../src/store/webhooks/statistics/statistics.schema.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';
import { withoutBreaker } from '../../support/endpoint-policy.js';

const test = DeliveryFixture.inThisFile();
const HOUR_MS = 3_600_000;

/** Delivers messages to a receiver that takes some at once, some late, some at the second try and some never. */
async function delivered(count: number) {
  const endpoint = await test.side.endpoint(`${test.sink.url}/hook`, withoutBreaker());
  const other = await test.side.endpoint(`${test.sink.url}/other`);
  test.sink.answer = ({ id, path }, response) => {
    const kind = Buffer.from(id).reduce((sum, byte) => sum + byte, 0) % 10;
    const status = path === '/other' || kind > 2 ? 204 : kind === 0 ? 500 : kind === 1 ? 404 : 200;
    const recovers = kind === 0 && test.sink.counts.get(id)! > 3;
    setTimeout(() => response.writeHead(recovers ? 200 : status).end(), kind * 7);
  };
  await test.side.accept([endpoint, other], count);
  const services = test.side.services();
  test.serve(undefined, services);
  await test.side.until(
    () => test.side.models.deliveries.collection.countDocuments({ q: { $exists: true } }),
    (open) => open === 0,
    60_000,
  );
  await test.endLanes();
  const attempts = (await test.side.models.attempts.collection
    .find({ ep: endpoint._id })
    .toArray()) as unknown as AttemptRow[];
  return { endpoint, attempts, recount: services.recount };
}

const quantile = (values: number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]!;

async function buckets(): Promise<StatisticsRow[]> {
  const rows = await test.side.models.messages.db.collection('wh_stats').find({}).sort({ _id: 1 }).toArray();
  return rows as unknown as StatisticsRow[];
}

it('statistics equal a recount from the attempts, at each level, and p95 is within 5 % of the exact one', async () => {
  const { endpoint, attempts } = await delivered(300);
  expect(attempts.length).toBeGreaterThan(300);
  const now = Date.now();
  const statistics = new StatisticsRepository(test.side.models);
  const ok = attempts.filter((attempt) => attempt.ok);
  for (const level of ['m', 'h', 'd'] as Level[]) {
    const size = LEVEL_MS[level];
    const range = {
      level,
      fromMs: Math.floor((now - HOUR_MS) / size) * size,
      toMs: Math.ceil((now + 1) / size) * size,
    };
    const sum = BucketSum.of(await statistics.read(endpoint._id, [range])).total;
    expect(sum).toMatchObject({
      attempts: attempts.length,
      delivered: ok.length,
      firstTry: ok.filter(({ n }) => n === 1).length,
      retries: attempts.filter(({ n }) => n > 1).length,
      exhausted: attempts.filter(({ outcome }) => outcome === 'exhausted').length,
      canceled: 0,
      bytes: attempts.length * Buffer.byteLength('{"n":1.50}'),
      classes: {
        '2xx': ok.length,
        '4xx': attempts.filter(({ code }) => code === 404).length,
        '5xx': attempts.filter(({ code }) => code === 500).length,
      },
    });
    for (const [share, name] of [
      [0.5, 'p50'],
      [0.95, 'p95'],
      [0.99, 'p99'],
    ] as const) {
      const exactTry = quantile(
        attempts.map(({ durationMs }) => Math.max(1, durationMs)),
        share,
      );
      const exactLag = quantile(
        ok.map(({ sinceAcceptMs }) => Math.max(1, sinceAcceptMs)),
        share,
      );
      expect(Math.abs(sum.tryMs![name] - exactTry) / exactTry).toBeLessThanOrEqual(0.05);
      expect(Math.abs(sum.deliveredMs![name] - exactLag) / exactLag).toBeLessThanOrEqual(0.05);
    }
  }
}, 120_000);

it('statistics of a window count nothing twice where minutes, hours and days meet', async () => {
  const side = test.side;
  const statistics = new StatisticsRepository(side.models);
  const endpoint = await side.endpoint(test.sink.url);
  const now = Date.now();
  const add = async (atMs: number) => {
    for (const level of ['m', 'h', 'd'] as Level[]) {
      await statistics.add(new Map([[bucketId(endpoint._id, level, atMs), new Map([['delivered', 1]])]]));
    }
  };
  for (let hour = 0; hour < 72; hour++) await add(now - hour * HOUR_MS);
  const reader = new StatisticsReader(statistics, new DeliveryListRepository(side.models));
  for (const hours of [1, 5, 23, 24, 30, 47, 60, 72]) {
    const since = new Date(now - hours * HOUR_MS + 60_000);
    const { success } = await reader.ofEndpoint(endpoint._id, { since, until: new Date(now) }, new Date(now));
    // Times before yesterday are known by the hour: the hour that the window begins in counts whole.
    expect([hours, hours + 1]).toContain(success);
    if (hours < 47) expect(success).toBe(hours);
  }
  expect(bucketRanges(now - 72 * HOUR_MS, now, now).map(({ level }) => level)).toContain('d');
}, 60_000);

it('a recount mends what a crash lost or doubled, and finds nothing to mend afterwards', async () => {
  const { endpoint, recount } = await delivered(60);
  const day = Math.floor(Date.now() / LEVEL_MS.d) * LEVEL_MS.d;
  const noProgress = () => undefined;
  const before = await buckets();
  expect(await recount.day(day, '', noProgress)).toMatchObject({ repaired: 0 });

  const rows = test.side.models.messages.db.collection('wh_stats');
  const minute = before.find(({ _id }) => _id.startsWith(`${endpoint._id}:m`))!;
  await rows.deleteOne({ _id: minute._id as never });
  await rows.updateOne(
    { _id: bucketId(endpoint._id, 'h', Date.now()) as never },
    { $inc: { n: 5, 'c.2xx': 2 } },
  );
  await rows.updateOne({ _id: bucketId(test.side.app, 'd', Date.now()) as never }, { $inc: { n: 1 } });
  const { attempts, repaired } = await recount.day(day, '', noProgress);
  expect(repaired).toBe(3);
  expect(attempts).toBe(await test.side.models.attempts.collection.countDocuments({}));
  expect(await buckets()).toEqual(before);
  expect(await recount.day(day, '', noProgress)).toMatchObject({ repaired: 0 });
}, 120_000);
