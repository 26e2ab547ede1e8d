import { randomInt } from 'node:crypto';
import { DELIVERY_STATES } from '../../../src/contracts/webhooks/delivery-list.js';
import type { Page } from '../../../src/contracts/webhooks/page.js';
import { ksuid } from '../../../src/domain/ksuid.js';
import { attemptFacets, messageFacets } from '../../../src/domain/webhooks/facets.js';
import { deliveryId, newId } from '../../../src/platform/ids.js';
import { boundedCount } from '../../../src/store/bounded-count.js';
import { AttemptListRepository } from '../../../src/store/webhooks/lists/attempt-list.repository.js';
import { DeliveryListRepository } from '../../../src/store/webhooks/lists/delivery-list.repository.js';
import { MessageRepository } from '../../../src/store/webhooks/message.repository.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';

const test = DeliveryFixture.inThisFile();
const ep = newId('ep');
const START = Date.now() - 3_600_000;
const ROWS = 1_600;

type Row = Record<string, unknown> & { _id: string };
type Filters = Record<string, unknown>;

const pick = <T>(values: readonly T[]): T => values[randomInt(values.length)]!;

/** Rows with labels that are common, rare, and almost never together. */
function row(prefix: 'msg' | 'atmpt', index: number): Row {
  const tail = Buffer.alloc(12);
  tail.writeUInt32BE(index);
  const at = new Date(START + index * 1_000);
  const _id = `${prefix}_${ksuid(at.getTime(), index, tail)}`;
  const type = pick(['a.one', 'a.two', 'a.three', 'b']);
  const channels = index % 700 === 0 ? ['rare', 'plant'] : index % 3 === 0 ? ['plant'] : null;
  const tags = index % 900 === 0 ? ['rare'] : index % 2 === 0 ? ['even'] : null;
  const code = pick([200, 200, 200, 204, 0, 302, 404, 503]);
  const state = pick(DELIVERY_STATES);
  const reason = state === 'pending' || state === 'delivered' ? null : pick(['http_503', 'timeout']);
  const labels = { type, channels, tags };
  const ofKind =
    prefix === 'msg'
      ? { k: messageFacets(labels), ek: _id, ik: _id, body: null }
      : { k: attemptFacets(labels, code), n: index, dlv: _id, code };
  return {
    _id,
    app: test.side.app,
    ep,
    ...labels,
    ...ofKind,
    ok: code >= 200 && code < 300,
    state,
    reason,
    at,
  };
}

const asDelivery = (message: Row): Row => ({
  ...message,
  _id: deliveryId(message._id, ep),
  msg: message._id,
});

const labelsOf = (query: Filters) => (one: Row) =>
  (query['channel'] === undefined ||
    (one['channels'] as string[] | null)?.includes(query['channel'] as string)) &&
  (query['tag'] === undefined || (one['tags'] as string[] | null)?.includes(query['tag'] as string)) &&
  (query['event_types'] === undefined ||
    (query['event_types'] as string[]).includes(one['type'] as string)) &&
  (query['before'] === undefined || (one['at'] as Date) < (query['before'] as Date)) &&
  (query['after'] === undefined || (one['at'] as Date) > (query['after'] as Date));

/** Reads a list to its end as a client does, forwards and then back to its beginning. */
async function walked(read: (query: Filters) => Promise<Page<{ _id: string }>>, query: Filters) {
  const walk = async (first: string | undefined, backwards: boolean) => {
    const ids: string[] = [];
    let iterator = first;
    for (let pages = 0; pages < 500; pages++) {
      const page = await read({ ...query, ...(iterator === undefined ? {} : { iterator }) });
      const here = page.data.map(({ _id }) => _id);
      expect(here.length).toBeLessThanOrEqual(query['limit'] as number);
      if (backwards) ids.unshift(...here);
      else ids.push(...here);
      if (page.done) return ids;
      iterator = (backwards ? page.prevIterator : page.iterator) ?? undefined;
      expect(iterator).toBeDefined();
    }
    throw new Error('the list has no end');
  };
  const forwards = await walk(undefined, false);
  const last = forwards.at(-1);
  const back = last === undefined ? [] : await walk(`-${last}`, true);
  return { forwards, back };
}

async function expectExact(
  read: (query: Filters) => Promise<Page<{ _id: string }>>,
  rows: Row[],
  query: Filters,
  meets: (one: Row) => unknown,
): Promise<void> {
  const wanted = rows
    .filter(meets)
    .map(({ _id }) => _id)
    .sort()
    .reverse();
  const { forwards, back } = await walked(read, query);
  expect(forwards).toEqual(wanted);
  expect(back).toEqual(wanted.slice(0, -1));
}

const LABELS: Filters[] = [
  {},
  { event_types: ['a.one'] },
  { event_types: ['a.one', 'b'] },
  { channel: 'plant' },
  { tag: 'rare' },
  { tag: 'none' },
  { tag: 'even', channel: 'rare' },
  { tag: 'even', channel: 'plant', event_types: ['a.one', 'a.two'] },
  { tag: 'rare', channel: 'rare', event_types: ['b'] },
  { before: new Date(START + 1_200_000), after: new Date(START + 500_000) },
  { tag: 'even', after: new Date(START + 1_300_000) },
];
const LIMITS = [7, 250];

it('each filter of the message list gives exactly the messages that meet it, once, both ways', async () => {
  const rows = Array.from({ length: ROWS }, (_, i) => row('msg', i));
  await test.side.models.messages.collection.insertMany(rows as never);
  const messages = new MessageRepository(test.side.models);
  for (const limit of LIMITS) {
    for (const filters of LABELS) {
      const read = (query: Filters) =>
        messages.list(test.side.app, { with_content: true, ...query } as never);
      await expectExact(read, rows, { limit, ...filters }, labelsOf(filters));
    }
  }
}, 120_000);

it('each filter of the attempt list gives exactly the attempts that meet it, once, both ways', async () => {
  const rows = Array.from({ length: ROWS }, (_, i) => row('atmpt', i));
  await test.side.models.attempts.collection.insertMany(rows as never);
  const attempts = new AttemptListRepository(test.side.models);
  const outcomes: [Filters, (one: Row) => unknown][] = [
    [{}, () => true],
    [{ status: 0 }, (one) => one['ok']],
    [{ status: 2 }, (one) => !one['ok']],
    [{ status: 1 }, () => false],
    [{ status_code_class: 500 }, (one) => one['code'] === 503],
    [{ status_code_class: 0 }, (one) => one['code'] === 0],
    [{ status: 2, status_code_class: 200 }, () => false],
  ];
  for (const [outcome, meets] of outcomes) {
    for (const filters of LABELS) {
      const query = { limit: pick(LIMITS), with_content: true, with_msg: false, ...filters, ...outcome };
      const wanted = (one: Row) => meets(one) && labelsOf(filters)(one);
      await expectExact((asked) => attempts.list({ ep }, asked as never), rows, query, wanted);
      const counted = await attempts.count(ep, { ...filters, ...outcome } as never);
      expect(counted).toEqual({ count: rows.filter(wanted).length, approximated: false });
    }
  }
}, 240_000);

it('a list is read by what fewest rows meet, whichever filter that is, and a count says where it ended early', async () => {
  const rows = Array.from({ length: ROWS }, (_, i) => row('atmpt', i));
  await test.side.models.attempts.collection.insertMany(rows as never);
  const attempts = new AttemptListRepository(test.side.models);
  for (const filters of [{ tag: 'rare' }, { channel: 'rare' }]) {
    const query = {
      limit: 50,
      with_content: true,
      status: 0,
      event_types: ['a.one', 'a.two', 'b'],
      ...filters,
    };
    expect(await attempts.list({ ep }, query as never)).toMatchObject({ done: true });
  }
  // Each of both is met by more rows than are looked at for a count.
  const many = { event_types: ['a.one', 'a.two', 'a.three'] };
  const met = rows.filter((one) => labelsOf(many)(one) && one['code'] !== 302).length;
  const both = { branches: [{ ep }], rest: { code: { $ne: 302 }, type: { $in: many.event_types } } };
  const counted = await boundedCount(test.side.models.attempts.collection, both);
  expect(counted.approximated).toBe(true);
  expect(counted.count).toBeGreaterThan(met / 2);
  expect(counted.count).toBeLessThan(met);
});

it('many values are read side by side, and a page of them stays as cheap as any', async () => {
  const types = Array.from({ length: 16 }, (_, n) => `many.${n}`);
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const type = types[i < 800 ? 0 : i % 16]!;
    return { ...row('msg', i), type, k: messageFacets({ type, channels: null, tags: null }) };
  });
  await test.side.models.messages.collection.insertMany(rows as never);
  const messages = new MessageRepository(test.side.models);
  const read = (query: Filters) => messages.list(test.side.app, { with_content: true, ...query } as never);
  await expectExact(read, rows, { limit: 250, event_types: types }, () => true);
});

it('each filter of the delivery lists gives exactly the deliveries that meet it, once, both ways', async () => {
  const rows = Array.from({ length: ROWS }, (_, i) => asDelivery(row('msg', i)));
  await test.side.models.deliveries.collection.insertMany(rows as never);
  const deliveries = new DeliveryListRepository(test.side.models);
  const statuses: [Filters, string[] | null][] = [
    [{}, null],
    [{ status: 0 }, ['delivered']],
    [{ status: 1 }, ['pending', 'retrying', 'held']],
    [{ status: 2 }, ['exhausted', 'expired']],
    [{ status: 3 }, []],
    [{ status: 4 }, ['canceled']],
  ];
  for (const [status, states] of statuses) {
    for (const filters of LABELS) {
      const query = { limit: pick(LIMITS), ...filters, ...status };
      const meets = (one: Row) =>
        (states?.includes(one['state'] as string) ?? true) && labelsOf(filters)(one);
      await expectExact((asked) => deliveries.ofEndpoint(ep, asked as never), rows, query, meets);
    }
  }
  for (const state of [
    undefined,
    ['retrying'],
    ['pending'],
    ['held', 'exhausted'],
    ['delivered', 'canceled'],
  ]) {
    for (const reason of [undefined, 'timeout', 'never']) {
      const meets = (one: Row) =>
        (state?.includes(one['state'] as string) ?? true) &&
        (reason === undefined || one['reason'] === reason);
      const query = { limit: pick(LIMITS), ...(state && { state }), ...(reason && { reason }) };
      const { app } = test.side;
      await expectExact((asked) => deliveries.ofApplication(app, null, asked as never), rows, query, meets);
      await expectExact((asked) => deliveries.ofApplication(app, ep, asked as never), rows, query, meets);
      if (state?.some((one) => one === 'pending' || one === 'delivered')) continue;
      const wanted = (one: Row) => meets(one) && (state ?? ['retrying']).includes(one['state'] as string);
      await expectExact((asked) => deliveries.troubled(asked as never), rows, query, wanted);
    }
  }
}, 240_000);
