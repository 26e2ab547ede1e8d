import { jest } from '@jest/globals';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { Stack } from '../../embedded/stack/stack.js';
import type { OfferedMessage } from '../../src/contracts/webhooks/lane-offer.js';
import { fanOut } from '../../src/store/webhooks/fan-out.js';
import type { MessageRow } from '../../src/store/webhooks/message.schema.js';
import type { WebhookServices } from '../../src/workers/webhook-services.js';
import { DeliverySide, LANES, RunningLanes, servers } from '../support/delivery-side.js';
import { WebhookSink } from '../support/webhook-sink.js';

jest.setTimeout(60_000);

let stack: Stack;
let endServers: () => Promise<void>;
let side: DeliverySide;
let sink: WebhookSink;
let lanes: RunningLanes | null = null;

beforeAll(async () => {
  ({ stack, end: endServers } = await servers());
}, 120_000);
afterAll(() => endServers());

beforeEach(async () => {
  side = await DeliverySide.open(stack);
  sink = await WebhookSink.start();
});
afterEach(async () => {
  await lanes?.end();
  lanes = null;
  sink.close();
  await side.close();
});

const serve = (scheduleSec?: readonly number[]) => (lanes = new RunningLanes(side.services(scheduleSec)));

describe('a delivery', () => {
  it('arrives byte for byte, signed so that the standardwebhooks and svix packages verify it', async () => {
    serve();
    const endpoint = await side.endpoint(`${sink.url}/hook?x=1`);
    const body = '{"b":1.50, "a":12345678901234567890,"ü":"\\u00e9"}';
    const [message] = await side.accept([endpoint], 1, true, body);
    const row = await side.untilState(message!, endpoint, 'delivered');
    const [arrival] = sink.arrivals;
    expect(arrival!.body.toString()).toBe(body);
    expect(arrival!.path).toBe('/hook?x=1');
    expect(arrival!.headers).toMatchObject({
      'webhook-id': message!._id,
      'webhook-attempt': '1',
      'webhook-delivery-id': row._id,
      'content-type': 'application/json',
    });
    const headers = arrival!.headers as Record<string, string>;
    expect(new StandardWebhook(endpoint.secret).verify(arrival!.body, headers)).toMatchObject({ b: 1.5 });
    expect(() => new SvixWebhook(endpoint.secret).verify(arrival!.body, headers)).not.toThrow();
    expect(row).toMatchObject({ state: 'delivered', n: 1, rev: 1, lastCode: 204 });
    expect(row.q).toBeUndefined();
    expect(await side.attempts(message!)).toMatchObject([
      { n: 1, ok: true, code: 204, ip: '127.0.0.1', trigger: 'scheduled' },
    ]);
  });

  it('carries the headers of its endpoint, but never over the signed ones', async () => {
    serve();
    const headersEnc = side.seal(JSON.stringify({ authorization: 'Bearer s3cret', 'webhook-id': 'forged' }));
    const endpoint = await side.endpoint(sink.url, { headersEnc });
    const [message] = await side.accept([endpoint]);
    await side.untilState(message!, endpoint, 'delivered');
    expect(sink.arrivals[0]!.headers).toMatchObject({
      authorization: 'Bearer s3cret',
      'webhook-id': message!._id,
    });
  });

  it('is signed with the old key too until its overlap ends', async () => {
    serve();
    const old = await side.endpoint(sink.url);
    const gone = await side.endpoint(sink.url);
    const endpoint = await side.endpoint(sink.url);
    const keys = [
      endpoint.keys[0]!,
      { ...old.keys[0]!, until: new Date(Date.now() + 60_000) },
      { ...gone.keys[0]!, until: new Date(Date.now() - 1000) },
    ];
    await side.models.endpoints.updateOne({ _id: endpoint._id }, { $set: { keys }, $inc: { rev: 1 } });
    const [message] = await side.accept([endpoint]);
    await side.untilState(message!, endpoint, 'delivered');
    const { body, headers } = sink.arrivals[0]!;
    const verify = (secret: string) =>
      new StandardWebhook(secret).verify(body, headers as Record<string, string>);
    expect(verify(endpoint.secret)).toEqual({ n: 1.5 });
    expect(verify(old.secret)).toEqual({ n: 1.5 });
    expect(() => verify(gone.secret)).toThrow('No matching signature');
  });

  it('goes to the URL that the endpoint had when the message was accepted, not to an earlier one', async () => {
    serve();
    const endpoint = await side.endpoint(`${sink.url}/old`);
    const [first] = await side.accept([endpoint]);
    await side.untilState(first!, endpoint, 'delivered');
    await side.models.endpoints.updateOne(
      { _id: endpoint._id },
      { $set: { url: `${sink.url}/new` }, $inc: { rev: 1 } },
    );
    const [second] = await side.accept([endpoint]);
    await side.untilState(second!, endpoint, 'delivered');
    expect(sink.arrivals.map((arrival) => arrival.path)).toEqual(['/old', '/new']);
  });

  it('is retried after a 503, not before Retry-After, with the same id and a new signature', async () => {
    serve();
    sink.answer = ({ headers }, response) => {
      const first = headers['webhook-attempt'] === '1';
      response.writeHead(first ? 503 : 200, first ? { 'retry-after': '1.2' } : {}).end('busy');
    };
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint]);
    await side.untilState(message!, endpoint, 'delivered');
    const [first, second] = sink.arrivals;
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(2000);
    expect(second!.id).toBe(first!.id);
    const headers = second!.headers as Record<string, string>;
    expect(new StandardWebhook(endpoint.secret).verify(second!.body, headers)).toEqual({ n: 1.5 });
    const attempts = await side.attempts(message!);
    expect(attempts).toMatchObject([
      { n: 1, ok: false, code: 503, response: 'busy' },
      { n: 2, ok: true, code: 200 },
    ]);
    expect(attempts[0]!.nextAt!.getTime() - attempts[0]!.at.getTime()).toBeGreaterThanOrEqual(2000);
  });

  it('is retried on the schedule while the connection is refused, and exhausted at its end', async () => {
    const closed = await WebhookSink.start();
    closed.close();
    const endpoint = await side.endpoint(closed.url);
    const [message] = await side.accept([endpoint]);
    serve([0.1, 0.2]);
    const row = await side.untilState(message!, endpoint, 'exhausted');
    expect(row).toMatchObject({ n: 3, reason: 'connection_refused', lastCode: 0 });
    expect(row.q).toBeUndefined();
    const attempts = await side.attempts(message!);
    expect(attempts).toHaveLength(3);
    const wait = (n: number) => attempts[n]!.at.getTime() - attempts[n - 1]!.at.getTime();
    expect(wait(1)).toBeGreaterThanOrEqual(100);
    expect(wait(2)).toBeGreaterThanOrEqual(200);
    expect((await side.storedEndpoint(endpoint._id))!.failingSince).toEqual(attempts[0]!.at);
  });

  it('ends the failing time of its endpoint when it is taken', async () => {
    serve();
    const endpoint = await side.endpoint(sink.url, { failingSince: new Date(0) });
    const [message] = await side.accept([endpoint]);
    await side.untilState(message!, endpoint, 'delivered');
    await side.until(
      () => side.storedEndpoint(endpoint._id),
      (row) => row!.failingSince === null,
    );
  });

  it('is canceled by 410, with its endpoint and everything that waits for it', async () => {
    serve([30]);
    sink.answer = ({ id }, response) => {
      response.writeHead(id === sink.arrivals[0]!.id ? 500 : 410).end();
    };
    const endpoint = await side.endpoint(sink.url);
    const [waiting] = await side.accept([endpoint]);
    await side.untilState(waiting!, endpoint, 'retrying');
    const [message] = await side.accept([endpoint]);
    expect(await side.untilState(message!, endpoint, 'canceled')).toMatchObject({ reason: 'gone' });
    expect(await side.untilState(waiting!, endpoint, 'canceled')).toMatchObject({
      reason: 'endpoint_disabled',
    });
    expect(await side.storedEndpoint(endpoint._id)).toMatchObject({ disabled: true, disabledReason: 'gone' });
  });

  it('is stopped by abort-message, its endpoint stays', async () => {
    serve();
    sink.answer = (_, response) =>
      void response.writeHead(422, { 'webhook-delivery': 'abort-message' }).end();
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint]);
    const row = await side.untilState(message!, endpoint, 'canceled');
    expect(row).toMatchObject({ reason: 'receiver_aborted', n: 1 });
    expect((await side.storedEndpoint(endpoint._id))!.disabled).toBe(false);
  });

  it('disables its endpoint when the receiver takes it and says so', async () => {
    serve();
    sink.answer = (_, response) => void response.writeHead(200, { 'webhook-delivery': 'disable' }).end();
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint]);
    await side.untilState(message!, endpoint, 'delivered');
    const stored = await side.until(
      () => side.storedEndpoint(endpoint._id),
      (row) => row!.disabled,
    );
    expect(stored).toMatchObject({ disabledReason: 'receiver_disabled', rev: 2 });
  });

  it('that is exhausted disables an endpoint that failed for five days, not one that fails since yesterday', async () => {
    serve([]);
    sink.answer = (_, response) => void response.writeHead(500).end();
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    const failing = await side.endpoint(sink.url, { failingSince: daysAgo(5.1) });
    const shaky = await side.endpoint(sink.url, { failingSince: daysAgo(1) });
    const [message] = await side.accept([failing, shaky]);
    await side.untilState(message!, shaky, 'exhausted');
    const stored = await side.until(
      () => side.storedEndpoint(failing._id),
      (row) => row!.disabled,
    );
    expect(stored!.disabledReason).toBe('failing');
    expect((await side.storedEndpoint(shaky._id))!.disabled).toBe(false);
  });

  it('is canceled without a try when its endpoint is disabled or deleted', async () => {
    const disabled = await side.endpoint(sink.url, { disabled: true });
    const deleted = await side.endpoint(sink.url, { deletedAt: new Date() });
    const [message] = await side.accept([disabled, deleted]);
    serve();
    const first = await side.untilState(message!, disabled, 'canceled');
    expect(first).toMatchObject({ reason: 'endpoint_disabled', n: 0 });
    const second = await side.untilState(message!, deleted, 'canceled');
    expect(second).toMatchObject({ reason: 'endpoint_deleted', n: 0 });
    expect(sink.arrivals).toEqual([]);
  });

  it('expires when its payload was expunged', async () => {
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint]);
    await side.models.messages.updateOne({ _id: message!._id }, { $set: { body: null } });
    serve();
    const row = await side.untilState(message!, endpoint, 'expired');
    expect(row).toMatchObject({ reason: 'content_expired', n: 0 });
  });

  it('waits, uses up no try, when the secret of its endpoint cannot be read', async () => {
    const endpoint = await side.endpoint(sink.url);
    const keys = [{ ...endpoint.keys[0]!, enc: 'v1:AAAA' }];
    await side.models.endpoints.updateOne({ _id: endpoint._id }, { $set: { keys } });
    const [message] = await side.accept([endpoint]);
    serve();
    const row = await side.untilState(message!, endpoint, 'held');
    expect(row).toMatchObject({ reason: 'secret_unreadable', n: 0 });
    expect(row.q!.at.getTime()).toBeGreaterThan(Date.now() + 30_000);
  });

  it('does not reach an address that is not allowed', async () => {
    serve();
    const endpoint = await side.endpoint(sink.url.replace('127.0.0.1', '127.0.0.2'));
    const [message] = await side.accept([endpoint]);
    const row = await side.untilState(message!, endpoint, 'exhausted');
    expect(row.reason).toBe('forbidden_address');
    expect(sink.arrivals).toEqual([]);
  });

  it('takes the next free number when a crash left an attempt without its result', async () => {
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint], 1);
    const { _id: dlv } = await side.delivery(message!, endpoint);
    await side.models.attempts.collection.insertOne({
      _id: 'atmpt_before' as never,
      dlv,
      n: 1,
      msg: message!._id,
    });
    serve();
    const row = await side.untilState(message!, endpoint, 'delivered');
    expect(row.n).toBe(2);
    expect((await side.attempts(message!)).map((attempt) => attempt.n)).toEqual([1, 2]);
  });
});

describe('a lane', () => {
  it('delivers many messages to many endpoints once each', async () => {
    const endpoints = await Promise.all(
      Array.from({ length: 10 }, (_, n) => side.endpoint(`${sink.url}/${n}`)),
    );
    serve();
    const messages = await side.accept(endpoints, 200);
    await sink.until(() => sink.arrivals.length >= 2000, 30_000, '2000 arrivals');
    await side.until(
      () => side.models.deliveries.countDocuments({ state: 'delivered' }),
      (count) => count === 2000,
    );
    expect(sink.arrivals).toHaveLength(2000);
    expect(await side.models.attempts.countDocuments({})).toBe(2000);
    expect(new Set(sink.arrivals.map(({ id, path }) => `${id}${path}`)).size).toBe(messages.length * 10);
  });

  it('goes on for the others while one endpoint hangs', async () => {
    const hanging = await side.endpoint(`${sink.url}/hang`);
    const healthy = await side.endpoint(`${sink.url}/ok`);
    sink.answer = ({ path }, response) => {
      if (path === '/ok') response.writeHead(204).end();
    };
    await side.accept([hanging], 300);
    serve();
    await sink.until(() => sink.arrivals.length >= 20, 10_000, 'hanging requests');
    await side.accept([healthy], 50);
    const arrived = () => sink.arrivals.filter(({ path }) => path === '/ok').length;
    await sink.until(() => arrived() === 50, 5000, 'deliveries to the healthy endpoint');
    expect(sink.arrivals.filter(({ path }) => path === '/hang').length).toBeLessThanOrEqual(20);
    sink.answer = (_, response) => void response.writeHead(204).end();
    sink.close();
  });

  it('is left at once while a try hangs, and nobody repeats that try', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    sink.answer = ({ path }, response) => {
      void (path === '/slow' ? released : Promise.resolve()).then(() => response.writeHead(204).end());
    };
    const slow = await side.endpoint(`${sink.url}/slow`);
    const quick = await side.endpoint(`${sink.url}/quick`);
    const first = new RunningLanes(side.services());
    const [hanging] = await side.accept([slow]);
    await sink.until(() => sink.arrivals.length === 1, 5000, 'the slow request');
    await first.leave();
    serve();
    const [other] = await side.accept([quick]);
    await side.untilState(other!, quick, 'delivered');
    release();
    const row = await side.untilState(hanging!, slow, 'delivered');
    expect(row.n).toBe(1);
    expect(sink.arrivals.map(({ path }) => path)).toEqual(['/slow', '/quick']);
    await first.end();
  });
});

describe('an offered message', () => {
  const offerOf = (message: MessageRow, appRev = 1): OfferedMessage => ({
    ...{ id: message._id, app: message.app, appRev, type: message.type, channels: null, tags: null },
    at: message.at.getTime(),
    body: Buffer.from(message.body!.buffer).toString('base64'),
    targets: message.targets.map(({ d, e }) => ({ d, e })),
  });
  const serving = async (services: WebhookServices) => {
    lanes = new RunningLanes(services);
    await side.until(
      () => side.models.lanes.countDocuments({ owner: { $ne: null } }),
      (count) => count === LANES,
    );
  };

  it('is sent before its delivery row is stored, and stored as delivered', async () => {
    const services = side.services();
    await serving(services);
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint], 1, false);
    expect(services.lanes.offer(message!.targets[0]!.l, [offerOf(message!)])).toBe(true);
    const row = await side.untilState(message!, endpoint, 'delivered');
    expect(row).toMatchObject({ n: 1, rev: 1, msg: message!._id, ep: endpoint._id, type: message!.type });
    expect(row.at).toEqual(message!.at);
    expect(await fanOut(side.models, [message!])).toBe(0);
    expect(await side.untilState(message!, endpoint, 'delivered')).toEqual(row);
  });

  it('is sent once, whether the row, the offer or a second offer comes first', async () => {
    const services = side.services();
    await serving(services);
    const endpoint = await side.endpoint(sink.url);
    const messages = await side.accept([endpoint], 50, false);
    const lane = messages[0]!.targets[0]!.l;
    for (const message of messages) services.lanes.offer(lane, [offerOf(message)]);
    const stored = fanOut(side.models, messages);
    services.lanes.wake(lane);
    for (const message of messages) services.lanes.offer(lane, [offerOf(message)]);
    await stored;
    await side.until(
      () => side.models.deliveries.countDocuments({ state: 'delivered' }),
      (count) => count === 50,
    );
    for (const message of messages) services.lanes.offer(lane, [offerOf(message)]);
    await lanes!.end();
    lanes = null;
    expect(sink.arrivals).toHaveLength(50);
  });

  it('is retried from the store when its receiver fails', async () => {
    const services = side.services();
    await serving(services);
    sink.answer = ({ headers }, response) => {
      response.writeHead(headers['webhook-attempt'] === '1' ? 500 : 200).end();
    };
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint], 1, false);
    services.lanes.offer(message!.targets[0]!.l, [offerOf(message!)]);
    expect(await side.untilState(message!, endpoint, 'delivered')).toMatchObject({ n: 2, rev: 2 });
  });

  it('goes to the endpoint as it is since its application changed', async () => {
    const services = side.services();
    await serving(services);
    const endpoint = await side.endpoint(`${sink.url}/old`);
    const send = async (appRev: number) => {
      const [message] = await side.accept([endpoint], 1, false);
      services.lanes.offer(message!.targets[0]!.l, [offerOf(message!, appRev)]);
      await side.untilState(message!, endpoint, 'delivered');
    };
    await send(1);
    await side.models.applications.updateOne({ _id: side.app }, { $inc: { rev: 1 } });
    await side.models.endpoints.updateOne(
      { _id: endpoint._id },
      { $set: { url: `${sink.url}/new` }, $inc: { rev: 1 } },
    );
    await send(2);
    expect(sink.arrivals.map(({ path }) => path)).toEqual(['/old', '/new']);
  });

  it('is left to be read by a worker that does not own the lane, or only since a moment ago', async () => {
    const services = side.services();
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint], 1, false);
    const lane = message!.targets[0]!.l;
    expect(services.lanes.offer(lane, [offerOf(message!)])).toBe(false);
    await serving(services);
    expect(services.lanes.offer(lane, [offerOf(message!)])).toBe(false);
    expect(sink.arrivals).toEqual([]);
  });
});

describe('the sweeper', () => {
  it('inserts delivery rows that a crash after accept left out, and they are delivered', async () => {
    serve();
    const endpoint = await side.endpoint(sink.url);
    const at = new Date(Date.now() - 10_000);
    const [message] = await side.accept([endpoint], 1, false, '{}', at);
    const { sweeper } = side.services();
    expect((await sweeper.run()).inserted).toBe(1);
    await side.untilState(message!, endpoint, 'delivered');
    expect((await sweeper.run()).inserted).toBe(0);
    expect((await side.services().sweeper.run()).inserted).toBe(0);
  });

  it('finds a message that became visible late, in its second look already', async () => {
    const endpoint = await side.endpoint(sink.url);
    const { sweeper } = side.services();
    await sweeper.run();
    await side.accept([endpoint], 1, false, '{}', new Date(Date.now() - 20_000));
    expect((await sweeper.run()).inserted).toBe(1);
  });

  it('looks at messages again that were too young or not yet settled', async () => {
    const endpoint = await side.endpoint(sink.url);
    const { sweeper } = side.services();
    await side.accept([endpoint], 1, false, '{}', new Date());
    expect((await sweeper.run()).inserted).toBe(0);
    // Became visible after the first sweep had passed its time.
    await side.accept([endpoint], 1, false, '{}', new Date(Date.now() - 60_000));
    await side.accept([endpoint], 1, false, '{}', new Date(Date.now() - 60_000));
    expect((await side.services().sweeper.run()).inserted).toBe(2);
  });

  it('gives a retry back to its lane when no workflow has made it for ten minutes', async () => {
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint]);
    const { _id } = await side.delivery(message!, endpoint);
    await side.models.deliveries.collection.updateOne(
      { _id: _id as never },
      { $set: { q: { l: 'retry', at: new Date(Date.now() - 601_000) }, state: 'retrying', n: 2 } },
    );
    expect((await side.services().sweeper.run()).returned).toBe(1);
    serve();
    await side.untilState(message!, endpoint, 'delivered');
  });
});
