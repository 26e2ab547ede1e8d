import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { jest } from '@jest/globals';
import { DEFAULT_SCHEDULE_SEC } from '../../../src/domain/webhooks/retry-schedule.js';
import type { MessageRow } from '../../../src/store/webhooks/message.schema.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';
import { withoutBreaker } from '../../support/endpoint-policy.js';

jest.setTimeout(60_000);

const given = DeliveryFixture.inThisFile();
const FIRST_WAIT_MS = 200;

/** Sends one message to an endpoint until nothing more is to be tried. @returns the row, its endpoint and its attempts */
async function ended(url: string, more: object = {}) {
  const endpoint = await given.side.endpoint(url, withoutBreaker(more));
  const [message] = await given.side.accept([endpoint]);
  given.serve([FIRST_WAIT_MS / 1000]);
  const row = await given.side.until(
    () => given.side.delivery(message!, endpoint),
    ({ q }) => q === undefined,
  );
  return { row, endpoint: endpoint._id, attempts: await given.side.attempts(message!) };
}

/** Why an endpoint is disabled, once it is as expected; a fault of the test otherwise. */
const disabledAs = (endpoint: string, expected: string | null) =>
  given.side.until(
    () => given.side.storedEndpoint(endpoint),
    (row) => row!.disabledReason === expected,
  );

interface Told {
  status: number;
  headers?: Record<string, string>;
}
interface Becomes {
  state: string;
  reason: string | null;
  tries: number;
  disabled?: string;
}
const exhausted = (reason: string): Becomes => ({ state: 'exhausted', reason, tries: 2 });
const delivered: Becomes = { state: 'delivered', reason: null, tries: 1 };
const directive = (value: string) => ({ 'webhook-delivery': value });

describe('an answer', () => {
  it.each<[string, Told, Becomes]>([
    ['200', { status: 200 }, delivered],
    ['204', { status: 204 }, delivered],
    ['299', { status: 299 }, delivered],
    [
      '200 with disable',
      { status: 200, headers: directive('disable') },
      { ...delivered, disabled: 'receiver_disabled' },
    ],
    ['301', { status: 301, headers: { location: '/elsewhere' } }, exhausted('redirect')],
    ['307', { status: 307, headers: { location: '/elsewhere' } }, exhausted('redirect')],
    ['410', { status: 410 }, { state: 'canceled', reason: 'gone', tries: 1, disabled: 'gone' }],
    ['429', { status: 429 }, exhausted('http_429')],
    ['502', { status: 502 }, exhausted('http_502')],
    ['503', { status: 503 }, exhausted('http_503')],
    ['504', { status: 504 }, exhausted('http_504')],
    ['400', { status: 400 }, exhausted('http_400')],
    ['404', { status: 404 }, exhausted('http_404')],
    ['500', { status: 500 }, exhausted('http_500')],
    ['501', { status: 501 }, exhausted('http_501')],
    [
      '422 with abort-message',
      { status: 422, headers: directive('abort-message') },
      { state: 'canceled', reason: 'receiver_aborted', tries: 1 },
    ],
    [
      '503 with abort-message',
      { status: 503, headers: directive('abort-message') },
      { state: 'canceled', reason: 'receiver_aborted', tries: 1 },
    ],
  ])('%s is judged as the table says', async (_, { status, headers }, expected) => {
    given.sink.answer = (_arrival, response) => void response.writeHead(status, headers ?? {}).end();
    const { row, attempts, endpoint } = await ended(`${given.sink.url}/hook`);
    const { disabled = null, ...becomes } = expected;
    expect({ state: row.state, reason: row.reason, tries: attempts.length }).toEqual(becomes);
    await disabledAs(endpoint, disabled);
    // A redirect is not followed: every request came to the URL of the endpoint.
    expect(given.sink.arrivals.map(({ path }) => path)).toEqual(attempts.map(() => '/hook'));
    expect(attempts.map(({ code }) => code)).toEqual(attempts.map(() => status));
  });

  it.each<[string, () => Promise<string>]>([
    ['timeout', async () => given.sink.url],
    ['dns_error', async () => 'http://receiver.invalid/'],
    ['tls_error', async () => given.sink.url.replace('http:', 'https:')],
    ['connection_refused', closedPort],
    ['connection_reset', async () => `${given.sink.url}/reset`],
    ['forbidden_address', async () => given.sink.url.replace('127.0.0.1', '127.0.0.2')],
    ['invalid_response', async () => `${given.sink.url}/nonsense`],
  ])('that does not come is a failed try: %s', async (errorCode, urlOf) => {
    given.sink.answer = ({ path }, response) => {
      if (path === '/reset') response.destroy();
      if (path === '/nonsense') response.socket!.end('220 smtp.example ESMTP\r\n');
    };
    const { row, attempts, endpoint } = await ended(await urlOf(), { timeoutMs: 1000 });
    expect({ state: row.state, reason: row.reason }).toEqual({ state: 'exhausted', reason: errorCode });
    await disabledAs(endpoint, null);
    expect(attempts).toMatchObject([
      { n: 1, code: 0, errorCode, ok: false },
      { n: 2, code: 0, errorCode, ok: false },
    ]);
  });
});

describe('Retry-After', () => {
  const inSeconds = (sec: number) => new Date(Date.now() + sec * 1000).toUTCString();
  it.each<[string, number, () => string, number]>([
    ['seconds with 429', 429, () => '2', 2000],
    ['seconds with 500', 500, () => '2', 2000],
    ['decimals, rounded up', 503, () => '1.2', 2000],
    // An HTTP date has whole seconds, so up to one of them is cut off.
    ['an HTTP date with 503', 503, () => inSeconds(3), 2000],
    ['an HTTP date with 404', 404, () => inSeconds(3), 2000],
    ['a date that has passed', 503, () => inSeconds(-60), FIRST_WAIT_MS],
    ['less than the schedule', 503, () => '0', FIRST_WAIT_MS],
    ['nonsense', 503, () => 'soon', FIRST_WAIT_MS],
  ])('%s: the next try is not made sooner', async (_, status, value, leastMs) => {
    given.sink.answer = ({ headers }, response) => {
      const first = headers['webhook-attempt'] === '1';
      response.writeHead(first ? status : 204, first ? { 'retry-after': value() } : {}).end();
    };
    const { row } = await ended(given.sink.url);
    const [first, second] = given.sink.arrivals;
    const waitedMs = second!.atMs - first!.atMs;
    expect(row.state).toBe('delivered');
    expect(waitedMs).toBeGreaterThanOrEqual(leastMs);
    expect(waitedMs).toBeLessThan(leastMs + 2500);
  });
});

describe('the wait between two tries', () => {
  const at = (share: number, sorted: number[]) => sorted[Math.floor(share * (sorted.length - 1))]!;

  it('is the schedule and up to a fifth more, spread evenly: from the recorded times of 300 retries', async () => {
    given.sink.answer = ({ headers }, response) =>
      void response.writeHead(headers['webhook-attempt'] === '1' ? 500 : 204).end();
    const endpoint = await given.side.endpoint(given.sink.url, withoutBreaker());
    const messages = await given.side.accept([endpoint], 300);
    given.serve([1]);
    await given.sink.until(() => given.sink.arrivals.length === 600, 30_000, 'all second tries');
    const arrivals = Map.groupBy(given.sink.arrivals, ({ id }) => id);
    const waits = messages.map(({ _id }) => {
      const [first, second] = arrivals.get(_id)!;
      return second!.atMs - first!.atMs;
    });
    const planned = await plannedWaits(messages);
    process.stderr.write(
      `figures: retry of 1 s: planned ${planned[0]} to ${planned.at(-1)} ms, median ${at(0.5, planned)}; ` +
        `arrived after ${Math.min(...waits)} to ${Math.max(...waits)} ms\n`,
    );
    expect(planned).toHaveLength(300);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1000);
    expect(planned[0]).toBeGreaterThanOrEqual(1000);
    expect(at(0.1, planned)).toBeLessThan(1060);
    expect(at(0.9, planned)).toBeGreaterThan(1140);
    expect(at(0.95, planned)).toBeLessThanOrEqual(1210);
  });

  it('is 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h where nobody says otherwise, and then there is none', async () => {
    given.sink.fail();
    const endpoint = await given.side.endpoint(given.sink.url, withoutBreaker());
    const messages = await given.side.accept([endpoint], 80);
    for (const [n, { _id: msg }] of messages.entries())
      await given.side.models.deliveries.updateOne({ msg }, { $set: { n: n % 8 } });
    given.serve(DEFAULT_SCHEDULE_SEC);
    await given.side.until(
      () => given.side.models.attempts.countDocuments({ ep: endpoint._id }),
      (count) => count === 80,
    );
    for (const [tried, waitSec] of DEFAULT_SCHEDULE_SEC.entries()) {
      const planned = await plannedWaits(messages.filter((_, n) => n % 8 === tried));
      expect(planned).toHaveLength(10);
      expect(planned[0]).toBeGreaterThanOrEqual(waitSec * 1000);
      expect(planned.at(-1)).toBeLessThanOrEqual(waitSec * 1200 + 500);
    }
    for (const [n, message] of messages.entries())
      expect((await given.side.delivery(message, endpoint)).state).toBe(
        n % 8 === 7 ? 'exhausted' : 'retrying',
      );
  });

  /** From the end of the last try to the time that was set for the next, as recorded; sorted. */
  async function plannedWaits(messages: readonly MessageRow[]): Promise<number[]> {
    const rows = await given.side.models.attempts
      .find({ msg: { $in: messages.map(({ _id }) => _id) }, nextAt: { $ne: null } })
      .lean();
    // A millisecond of rounding in each of the two times that are added.
    return rows
      .map((row) => row.nextAt!.getTime() - row.at.getTime() - row.durationMs + 2)
      .toSorted((a, b) => a - b);
  }
});

describe('429, 502, 503 and 504', () => {
  it.each([429, 502, 503, 504])('%d halves the rate of the whole endpoint', async (status) => {
    let first = true;
    given.sink.answer = (_, response) => {
      response.writeHead(first ? status : 204).end();
      first = false;
    };
    const endpoint = await given.side.endpoint(given.sink.url, { throttleRate: 40, ...withoutBreaker() });
    await given.side.accept([endpoint], 200);
    given.serve();
    const since = (ms: number) => given.sink.arrivals.filter(({ atMs }) => atMs >= ms).length;
    await given.sink.until(() => given.sink.arrivals.length > 0, 30_000, 'the first');
    // The burst of the first second is over by then.
    const startMs = given.sink.arrivals[0]!.atMs + 1500;
    await given.sink.until(() => Date.now() >= startMs + 2000 && since(startMs) > 0, 10_000, 'two seconds');
    const perSec =
      given.sink.arrivals.filter(({ atMs }) => atMs >= startMs && atMs < startMs + 2000).length / 2;
    // Of 40. Requests that leave on time may arrive bunched on a busy machine.
    expect(perSec).toBeGreaterThan(15);
    expect(perSec).toBeLessThanOrEqual(25);
  });
});

/** The URL of a port that nobody listens on. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}/`;
}
