import { jest } from '@jest/globals';
import { DeliveryFixture } from '../../support/delivery-fixture.js';

jest.setTimeout(60_000);

const given = DeliveryFixture.inThisFile();

describe('the sweeper', () => {
  it('inserts delivery rows that a crash after accept left out, and they are delivered', async () => {
    given.serve();
    const endpoint = await given.side.endpoint(given.sink.url);
    const at = new Date(Date.now() - 10_000);
    const [message] = await given.side.accept([endpoint], 1, false, '{}', at);
    const { sweeper } = given.side.services();
    expect((await sweeper.run()).inserted).toBe(1);
    await given.side.untilState(message!, endpoint, 'delivered');
    expect((await sweeper.run()).inserted).toBe(0);
    expect((await given.side.services().sweeper.run()).inserted).toBe(0);
  });

  it('finds a message that became visible late, in its second look already', async () => {
    const endpoint = await given.side.endpoint(given.sink.url);
    const { sweeper } = given.side.services();
    await sweeper.run();
    await given.side.accept([endpoint], 1, false, '{}', new Date(Date.now() - 20_000));
    expect((await sweeper.run()).inserted).toBe(1);
  });

  it('looks at messages again that were too young or not yet settled', async () => {
    const endpoint = await given.side.endpoint(given.sink.url);
    const { sweeper } = given.side.services();
    await given.side.accept([endpoint], 1, false, '{}', new Date());
    expect((await sweeper.run()).inserted).toBe(0);
    // Became visible after the first sweep had passed its time.
    await given.side.accept([endpoint], 1, false, '{}', new Date(Date.now() - 60_000));
    await given.side.accept([endpoint], 1, false, '{}', new Date(Date.now() - 60_000));
    expect((await given.side.services().sweeper.run()).inserted).toBe(2);
  });

  it('gives a retry back to its lane when no workflow has made it for ten minutes', async () => {
    const endpoint = await given.side.endpoint(given.sink.url);
    const [message] = await given.side.accept([endpoint]);
    const { _id } = await given.side.delivery(message!, endpoint);
    await given.side.models.deliveries.collection.updateOne(
      { _id: _id as never },
      { $set: { q: { l: 'retry', at: new Date(Date.now() - 601_000) }, state: 'retrying', n: 2 } },
    );
    expect((await given.side.services().sweeper.run()).returned).toBe(1);
    given.serve();
    await given.side.untilState(message!, endpoint, 'delivered');
  });
});
