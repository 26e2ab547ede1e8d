import { jest } from '@jest/globals';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { DeliveryFixture } from '../../support/delivery-fixture.js';
import { WebhookSink } from '../../support/webhook-sink.js';

jest.setTimeout(60_000);

const given = DeliveryFixture.inThisFile();

describe('a delivery', () => {
  it('arrives byte for byte, signed so that the standardwebhooks and svix packages verify it', async () => {
    given.serve();
    const endpoint = await given.side.endpoint(`${given.sink.url}/hook?x=1`);
    const body = '{"b":1.50, "a":12345678901234567890,"ü":"\\u00e9"}';
    const [message] = await given.side.accept([endpoint], 1, true, body);
    const row = await given.side.untilState(message!, endpoint, 'delivered');
    const [arrival] = given.sink.arrivals;
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
    expect(await given.side.attempts(message!)).toMatchObject([
      { n: 1, ok: true, code: 204, ip: '127.0.0.1', trigger: 'scheduled' },
    ]);
  });

  it('carries the headers of its endpoint, but never over the signed ones', async () => {
    given.serve();
    const headersEnc = given.side.seal(
      JSON.stringify({ authorization: 'Bearer s3cret', 'webhook-id': 'forged' }),
    );
    const endpoint = await given.side.endpoint(given.sink.url, { headersEnc });
    const [message] = await given.side.accept([endpoint]);
    await given.side.untilState(message!, endpoint, 'delivered');
    expect(given.sink.arrivals[0]!.headers).toMatchObject({
      authorization: 'Bearer s3cret',
      'webhook-id': message!._id,
    });
  });

  it('is signed with the old key too until its overlap ends', async () => {
    given.serve();
    const old = await given.side.endpoint(given.sink.url);
    const gone = await given.side.endpoint(given.sink.url);
    const endpoint = await given.side.endpoint(given.sink.url);
    const keys = [
      endpoint.keys[0]!,
      { ...old.keys[0]!, until: new Date(Date.now() + 60_000) },
      { ...gone.keys[0]!, until: new Date(Date.now() - 1000) },
    ];
    await given.side.models.endpoints.updateOne({ _id: endpoint._id }, { $set: { keys }, $inc: { rev: 1 } });
    const [message] = await given.side.accept([endpoint]);
    await given.side.untilState(message!, endpoint, 'delivered');
    const { body, headers } = given.sink.arrivals[0]!;
    const verify = (secret: string) =>
      new StandardWebhook(secret).verify(body, headers as Record<string, string>);
    expect(verify(endpoint.secret)).toEqual({ n: 1.5 });
    expect(verify(old.secret)).toEqual({ n: 1.5 });
    expect(() => verify(gone.secret)).toThrow('No matching signature');
  });

  it('goes to the URL that the endpoint had when the message was accepted, not to an earlier one', async () => {
    given.serve();
    const endpoint = await given.side.endpoint(`${given.sink.url}/old`);
    const [first] = await given.side.accept([endpoint]);
    await given.side.untilState(first!, endpoint, 'delivered');
    await given.side.models.endpoints.updateOne(
      { _id: endpoint._id },
      { $set: { url: `${given.sink.url}/new` }, $inc: { rev: 1 } },
    );
    const [second] = await given.side.accept([endpoint]);
    await given.side.untilState(second!, endpoint, 'delivered');
    expect(given.sink.arrivals.map((arrival) => arrival.path)).toEqual(['/old', '/new']);
  });

  it('is retried after a 503, not before Retry-After, with the same id and a new signature', async () => {
    given.serve();
    given.sink.answer = ({ headers }, response) => {
      const first = headers['webhook-attempt'] === '1';
      response.writeHead(first ? 503 : 200, first ? { 'retry-after': '1.2' } : {}).end('busy');
    };
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint]);
    await given.side.untilState(message!, endpoint, 'delivered');
    const [first, second] = given.sink.arrivals;
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(2000);
    expect(second!.id).toBe(first!.id);
    const headers = second!.headers as Record<string, string>;
    expect(new StandardWebhook(endpoint.secret).verify(second!.body, headers)).toEqual({ n: 1.5 });
    const attempts = await given.side.attempts(message!);
    expect(attempts).toMatchObject([
      { n: 1, ok: false, code: 503, response: 'busy' },
      { n: 2, ok: true, code: 200 },
    ]);
    expect(attempts[0]!.nextAt!.getTime() - attempts[0]!.at.getTime()).toBeGreaterThanOrEqual(2000);
  });

  it('is retried on the schedule while the connection is refused, and exhausted at its end', async () => {
    const closed = await WebhookSink.start();
    closed.close();
    const endpoint = await given.side.endpoint(closed.url);
    const [message] = await given.side.accept([endpoint]);
    given.serve([0.1, 0.2]);
    const row = await given.side.untilState(message!, endpoint, 'exhausted');
    expect(row).toMatchObject({ n: 3, reason: 'connection_refused', lastCode: 0 });
    expect(row.q).toBeUndefined();
    const attempts = await given.side.attempts(message!);
    expect(attempts).toHaveLength(3);
    const wait = (n: number) => attempts[n]!.at.getTime() - attempts[n - 1]!.at.getTime();
    expect(wait(1)).toBeGreaterThanOrEqual(100);
    expect(wait(2)).toBeGreaterThanOrEqual(200);
    expect((await given.side.storedEndpoint(endpoint._id))!.failingSince).toEqual(attempts[0]!.at);
  });

  it('ends the failing time of its endpoint when it is taken', async () => {
    given.serve();
    const endpoint = await given.side.endpoint(given.sink.url, { failingSince: new Date(0) });
    const [message] = await given.side.accept([endpoint]);
    await given.side.untilState(message!, endpoint, 'delivered');
    await given.side.until(
      () => given.side.storedEndpoint(endpoint._id),
      (row) => row!.failingSince === null,
    );
  });

  it('is canceled by 410, with its endpoint and everything that waits for it', async () => {
    given.serve([30]);
    given.sink.answer = ({ id }, response) => {
      response.writeHead(id === given.sink.arrivals[0]!.id ? 500 : 410).end();
    };
    const endpoint = await given.side.endpoint(given.sink.url);
    const [waiting] = await given.side.accept([endpoint]);
    await given.side.untilState(waiting!, endpoint, 'retrying');
    const [message] = await given.side.accept([endpoint]);
    expect(await given.side.untilState(message!, endpoint, 'canceled')).toMatchObject({ reason: 'gone' });
    expect(await given.side.untilState(waiting!, endpoint, 'canceled')).toMatchObject({
      reason: 'endpoint_disabled',
    });
    expect(await given.side.storedEndpoint(endpoint._id)).toMatchObject({
      disabled: true,
      disabledReason: 'gone',
    });
  });

  it('is stopped by abort-message, its endpoint stays', async () => {
    given.serve();
    given.sink.answer = (_, response) =>
      void response.writeHead(422, { 'webhook-delivery': 'abort-message' }).end();
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint]);
    const row = await given.side.untilState(message!, endpoint, 'canceled');
    expect(row).toMatchObject({ reason: 'receiver_aborted', n: 1 });
    expect((await given.side.storedEndpoint(endpoint._id))!.disabled).toBe(false);
  });

  it('disables its endpoint when the receiver takes it and says so', async () => {
    given.serve();
    given.sink.answer = (_, response) =>
      void response.writeHead(200, { 'webhook-delivery': 'disable' }).end();
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint]);
    await given.side.untilState(message!, endpoint, 'delivered');
    const stored = await given.side.until(
      () => given.side.storedEndpoint(endpoint._id),
      (row) => row!.disabled,
    );
    expect(stored).toMatchObject({ disabledReason: 'receiver_disabled', rev: 2 });
  });

  it('that is exhausted disables an endpoint that failed for five days, not one that fails since yesterday', async () => {
    given.serve([]);
    given.sink.fail();
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    const failing = await given.side.endpoint(given.sink.url, { failingSince: daysAgo(5.1) });
    const shaky = await given.side.endpoint(given.sink.url, { failingSince: daysAgo(1) });
    const [message] = await given.side.accept([failing, shaky]);
    await given.side.untilState(message!, shaky, 'exhausted');
    const stored = await given.side.until(
      () => given.side.storedEndpoint(failing._id),
      (row) => row!.disabled,
    );
    expect(stored!.disabledReason).toBe('failing');
    expect((await given.side.storedEndpoint(shaky._id))!.disabled).toBe(false);
  });

  it('is canceled without a try when its endpoint is disabled or deleted', async () => {
    const disabled = await given.side.endpoint(given.sink.url, { disabled: true });
    const deleted = await given.side.endpoint(given.sink.url, { deletedAt: new Date() });
    const [message] = await given.side.accept([disabled, deleted]);
    given.serve();
    const first = await given.side.untilState(message!, disabled, 'canceled');
    expect(first).toMatchObject({ reason: 'endpoint_disabled', n: 0 });
    const second = await given.side.untilState(message!, deleted, 'canceled');
    expect(second).toMatchObject({ reason: 'endpoint_deleted', n: 0 });
    expect(given.sink.arrivals).toEqual([]);
  });

  it('expires when its payload was expunged', async () => {
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint]);
    await given.side.models.messages.updateOne({ _id: message!._id }, { $set: { body: null } });
    given.serve();
    const row = await given.side.untilState(message!, endpoint, 'expired');
    expect(row).toMatchObject({ reason: 'content_expired', n: 0 });
  });

  it('waits, uses up no try, when the secret of its endpoint cannot be read', async () => {
    const endpoint = await given.side.endpoint(given.sink.url);
    const keys = [{ ...endpoint.keys[0]!, enc: 'v1:AAAA' }];
    await given.side.models.endpoints.updateOne({ _id: endpoint._id }, { $set: { keys } });
    const [message] = await given.side.accept([endpoint]);
    given.serve();
    const row = await given.side.untilState(message!, endpoint, 'held');
    expect(row).toMatchObject({ reason: 'secret_unreadable', n: 0 });
    expect(row.q!.at.getTime()).toBeGreaterThan(Date.now() + 30_000);
  });

  it('does not reach an address that is not allowed', async () => {
    given.serve();
    const endpoint = await given.side.endpoint(given.sink.url.replace('127.0.0.1', '127.0.0.2'));
    const [message] = await given.side.accept([endpoint]);
    const row = await given.side.untilState(message!, endpoint, 'exhausted');
    expect(row.reason).toBe('forbidden_address');
    expect(given.sink.arrivals).toEqual([]);
  });

  it('takes the next free number when a crash left an attempt without its result', async () => {
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint], 1);
    const { _id: dlv } = await given.side.delivery(message!, endpoint);
    await given.side.models.attempts.collection.insertOne({
      _id: 'atmpt_before' as never,
      dlv,
      n: 1,
      msg: message!._id,
    });
    given.serve();
    const row = await given.side.untilState(message!, endpoint, 'delivered');
    expect(row.n).toBe(2);
    expect((await given.side.attempts(message!)).map((attempt) => attempt.n)).toEqual([1, 2]);
  });
});
