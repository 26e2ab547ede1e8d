import { jest } from '@jest/globals';
import { OPERATIONAL_APP } from '../../../src/contracts/webhooks/operational-event.js';
import { newOutboxEvent } from '../../../src/store/webhooks/operational/outbox.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';

jest.setTimeout(60_000);
const test = DeliveryFixture.inThisFile();

const listener = async () => {
  const now = new Date();
  const base = { uk: OPERATIONAL_APP, name: 'operational webhooks', rev: 1, createdAt: now, updatedAt: now };
  await test.side.models.applications.create({ _id: OPERATIONAL_APP, ...base });
  return test.side.endpoint(test.sink.url, { app: OPERATIONAL_APP, uk: `${OPERATIONAL_APP}:all` });
};
const outboxes = () =>
  test.side.models.endpoints.collection.countDocuments({ 'outbox.at': { $exists: true } });
const told = () => test.side.models.messages.collection.countDocuments({ app: OPERATIONAL_APP });

it('an event whose process died before it was a message is sent by the sweeper, once', async () => {
  await listener();
  const event = newOutboxEvent('endpoint.disabled', { trigger: 'automatic' });
  await test.side.endpoint('http://127.0.0.1:9/', { outbox: [event] });
  const [one, two] = [test.side.services(), test.side.services()];
  expect(await told()).toBe(0);
  await Promise.all([one.sweeper.run(), two.sweeper.run()]);
  expect(await told()).toBe(1);
  expect(await outboxes()).toBe(0);

  // A process that died after the message was stored and before the outbox was emptied.
  await test.side.endpoint('http://127.0.0.1:9/', { outbox: [event] });
  await one.sweeper.run();
  expect(await told()).toBe(1);
  expect(await outboxes()).toBe(0);

  test.serve(undefined, one);
  await test.sink.until(() => test.sink.arrivals.length > 0, 20_000, 'the event arrived');
  expect(JSON.parse(test.sink.arrivals[0]!.body.toString())).toMatchObject({
    ...{ type: 'endpoint.disabled', data: { appId: test.side.app, trigger: 'automatic' } },
  });
});

it('events are kept where nobody listens, and are not sent to who listens later', async () => {
  const { models } = test.side;
  for (let n = 0; n < 130; n++) {
    await test.side.endpoint('http://127.0.0.1:9/', { outbox: [newOutboxEvent('endpoint.updated')] });
  }
  const [one, two] = [test.side.services(), test.side.services()];
  await Promise.all([one.sweeper.run(), two.sweeper.run()]);
  expect(await outboxes()).toBe(0);
  expect(await told()).toBe(130);
  await test.side.endpoint(test.sink.url, { app: OPERATIONAL_APP, uk: `${OPERATIONAL_APP}:late` });
  await one.sweeper.run();
  expect(await models.deliveries.collection.countDocuments({ app: OPERATIONAL_APP })).toBe(0);
  const kept = await models.messages.findOne({ app: OPERATIONAL_APP }).lean();
  expect(kept!.expiresAt!.getTime()).toBeGreaterThan(Date.now() + 86_400_000);
});

it('a disabled endpoint and a failing operational endpoint: only the first is told', async () => {
  const operational = await listener();
  const endpoint = await test.side.endpoint(`${test.sink.url}/gone`);
  test.sink.answer = ({ path }, response) => void response.writeHead(path === '/gone' ? 410 : 500).end();
  test.serve([0.01, 0.01, 0.01, 0.01, 0.01, 0.01]);
  await test.side.accept([endpoint]);
  const exhausted = await test.side.until(
    () => test.side.models.deliveries.findOne({ ep: operational._id, state: 'exhausted' }).lean(),
    (row) => row !== null,
    20_000,
  );
  expect(exhausted).toMatchObject({ n: 7, type: 'endpoint.disabled' });
  expect(exhausted).not.toHaveProperty('outbox');
  expect(await told()).toBe(1);
});
