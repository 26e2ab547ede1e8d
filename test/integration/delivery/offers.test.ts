import { jest } from '@jest/globals';
import type { OfferedMessage } from '../../../src/contracts/webhooks/lane-offer.js';
import { PreparedEndpoints } from '../../../src/activities/webhooks/prepared-endpoints.js';
import { SecretBox } from '../../../src/platform/secret-box.js';
import { ApplicationRepository } from '../../../src/store/webhooks/application.repository.js';
import { DeliverySourceRepository } from '../../../src/store/webhooks/delivery-source.repository.js';
import { fanOut } from '../../../src/store/webhooks/fan-out.js';
import type { MessageRow } from '../../../src/store/webhooks/message.schema.js';
import type { WebhookServices } from '../../../src/workers/webhook-services.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';
import { LANES } from '../../support/delivery-side.js';

jest.setTimeout(60_000);

const given = DeliveryFixture.inThisFile();

describe('an offered message', () => {
  const offerOf = (message: MessageRow, appRev = 1): OfferedMessage => ({
    ...{ id: message._id, app: message.app, appRev, type: message.type, channels: null, tags: null },
    at: message.at.getTime(),
    body: Buffer.from(message.body!.buffer).toString('base64'),
    targets: message.targets.map(({ d, e }) => ({ d, e })),
  });
  const serving = async (services: WebhookServices) => {
    given.serve([], services);
    await given.side.until(
      () => given.side.models.lanes.countDocuments({ owner: { $ne: null } }),
      (count) => count === LANES,
    );
  };

  it('is sent before its delivery row is stored, and stored as delivered', async () => {
    const services = given.side.services();
    await serving(services);
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint], 1, false);
    expect(services.lanes.offer(message!.targets[0]!.l, [offerOf(message!)])).toBe(true);
    const row = await given.side.untilState(message!, endpoint, 'delivered');
    expect(row).toMatchObject({ n: 1, rev: 1, msg: message!._id, ep: endpoint._id, type: message!.type });
    expect(row.at).toEqual(message!.at);
    expect(await fanOut(given.side.models, [message!])).toBe(0);
    expect(await given.side.untilState(message!, endpoint, 'delivered')).toEqual(row);
  });

  it('is sent once, whether the row, the offer or a second offer comes first', async () => {
    const services = given.side.services();
    await serving(services);
    const endpoint = await given.side.endpoint(given.sink.url);
    const messages = await given.side.accept([endpoint], 50, false);
    const lane = messages[0]!.targets[0]!.l;
    for (const message of messages) services.lanes.offer(lane, [offerOf(message)]);
    const stored = fanOut(given.side.models, messages);
    services.lanes.wake(lane);
    for (const message of messages) services.lanes.offer(lane, [offerOf(message)]);
    await stored;
    await given.side.until(
      () => given.side.models.deliveries.countDocuments({ state: 'delivered' }),
      (count) => count === 50,
    );
    for (const message of messages) services.lanes.offer(lane, [offerOf(message)]);
    await given.endLanes();
    expect(given.sink.arrivals).toHaveLength(50);
  });

  it('is retried from the store when its receiver fails', async () => {
    const services = given.side.services();
    await serving(services);
    given.sink.answer = ({ headers }, response) => {
      response.writeHead(headers['webhook-attempt'] === '1' ? 500 : 200).end();
    };
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint], 1, false);
    services.lanes.offer(message!.targets[0]!.l, [offerOf(message!)]);
    expect(await given.side.untilState(message!, endpoint, 'delivered')).toMatchObject({ n: 2, rev: 2 });
  });

  it('goes to the endpoint as it is since its application changed', async () => {
    const services = given.side.services();
    await serving(services);
    const endpoint = await given.side.endpoint(`${given.sink.url}/old`);
    const send = async (appRev: number) => {
      const [message] = await given.side.accept([endpoint], 1, false);
      services.lanes.offer(message!.targets[0]!.l, [offerOf(message!, appRev)]);
      await given.side.untilState(message!, endpoint, 'delivered');
    };
    await send(1);
    await given.side.models.applications.updateOne({ _id: given.side.app }, { $inc: { rev: 1 } });
    await given.side.models.endpoints.updateOne(
      { _id: endpoint._id },
      { $set: { url: `${given.sink.url}/new` }, $inc: { rev: 1 } },
    );
    await send(2);
    expect(given.sink.arrivals.map(({ path }) => path)).toEqual(['/old', '/new']);
  });

  it('goes to the endpoint as it is, five seconds late at most, when its change was told only half', async () => {
    const { models, app } = given.side;
    let nowMs = 60_000;
    const box = new SecretBox(Buffer.alloc(32).toString('base64'));
    const endpoints = new PreparedEndpoints(new DeliverySourceRepository(models), box, () => nowMs);
    const { _id } = await given.side.endpoint(`${given.sink.url}/old`);
    const path = async (appRev: number) =>
      (await endpoints.asOf([{ id: _id, app, appRev }])).get(_id)!.url.pathname;
    // The process died after the first bump of the revision, which was before the worker looked, and the write.
    await new ApplicationRepository(models).beginChange(app, _id);
    expect(await path(2)).toBe('/old');
    await models.endpoints.updateOne({ _id }, { $set: { url: `${given.sink.url}/new` }, $inc: { rev: 1 } });
    nowMs += 4_900;
    expect(await path(2)).toBe('/old');
    nowMs += 200;
    expect(await path(2)).toBe('/new');
  });

  it('is left to be read by a worker that does not own the lane, or only since a moment ago', async () => {
    const services = given.side.services();
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint], 1, false);
    const lane = message!.targets[0]!.l;
    expect(services.lanes.offer(lane, [offerOf(message!)])).toBe(false);
    await serving(services);
    expect(services.lanes.offer(lane, [offerOf(message!)])).toBe(false);
    expect(given.sink.arrivals).toEqual([]);
  });
});
