import { jest } from '@jest/globals';
import { PreparedEndpoints } from '../../../src/activities/webhooks/prepared-endpoints.js';
import { MOST_TOLD } from '../../../src/domain/webhooks/told-changes.js';
import { SecretBox } from '../../../src/platform/secret-box.js';
import { ApplicationCache } from '../../../src/store/webhooks/application-cache.js';
import { ApplicationRepository } from '../../../src/store/webhooks/application.repository.js';
import { DeliverySourceRepository } from '../../../src/store/webhooks/delivery-source.repository.js';
import { EndpointRepository } from '../../../src/store/webhooks/endpoint.repository.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';

jest.setTimeout(60_000);

const STALE_MS = 5_000;
const HOUR_MS = 3_600_000;

const given = DeliveryFixture.inThisFile();

/** A process that accepts and one that delivers, by a clock that only this test moves. */
function processes() {
  const { models, app } = given.side;
  let nowMs = 60_000;
  const applications = new ApplicationRepository(models);
  const cache = new ApplicationCache(models, applications, () => nowMs);
  const source = new DeliverySourceRepository(models);
  const box = new SecretBox(Buffer.alloc(32).toString('base64'));
  const prepared = new PreparedEndpoints(source, box, () => nowMs);
  const endpoints = new EndpointRepository(models, applications);
  const revision = async () => (await cache.revisions([app])).applications.get(app)!;
  return {
    ...{ applications, cache, endpoints },
    pass: (ms: number) => void (nowMs += ms),
    /** As an accept does: what is known, unless the revision moved. */
    accepts: async () => {
      const known = (await cache.get(app))!;
      const { endpoints: all } = known.rev === (await revision()) ? known : (await cache.load(app))!;
      return Object.fromEntries(all.map(({ id, channels }) => [id, channels?.[0] ?? null]));
    },
    /** As a lane does with what it is offered. */
    delivers: async (ids: readonly string[]) => {
      const appRev = await revision();
      const found = await prepared.asOf(ids.map((id) => ({ id, app, appRev })));
      return Object.fromEntries([...found].map(([id, { row }]) => [id, row.channels?.[0] ?? null]));
    },
  };
}

const endpoint = (channel: string) => given.side.endpoint(given.sink.url, { channels: [channel] });
/** Past all that tells of changes. */
const write = (_id: string, channel: string) =>
  given.side.models.endpoints.updateOne({ _id }, { $set: { channels: [channel] }, $inc: { rev: 1 } });

describe('what a process knows of the endpoints of an application', () => {
  it('follows each change at once, and reads no other endpoint for it', async () => {
    const { endpoints, accepts, delivers } = processes();
    const [one, other, gone] = [await endpoint('a'), await endpoint('a'), await endpoint('a')];
    const ids = [one._id, other._id, gone._id];
    await accepts();
    await delivers(ids);
    await write(other._id, 'not told');
    await endpoints.update(one, { channels: ['b'] });
    await endpoints.delete(gone);
    const added = await endpoint('c');
    await endpoints.update(added, { channels: ['d'] });
    const known = { [one._id]: 'b', [other._id]: 'a', [added._id]: 'd' };
    expect(await accepts()).toEqual(known);
    expect(Object.keys(await accepts())).toEqual([one._id, other._id, added._id]);
    expect(await delivers(ids)).toMatchObject({ [one._id]: 'b', [other._id]: 'a' });
  });

  it('follows a change by a process whose clock is an hour behind', async () => {
    const { endpoints, accepts, delivers } = processes();
    const [one, other] = [await endpoint('a'), await endpoint('a')];
    await accepts();
    await endpoints.update(one, { channels: ['b'] });
    await accepts();
    await endpoints.update(other, { channels: ['b'] }, new Date(Date.now() - HOUR_MS));
    const known = { [one._id]: 'b', [other._id]: 'b' };
    expect(await accepts()).toEqual(known);
    expect(await delivers([one._id, other._id])).toEqual(known);
  });

  it('follows a change that becomes visible after later ones', async () => {
    const { applications, endpoints, accepts, delivers } = processes();
    const [late, other] = [await endpoint('a'), await endpoint('a')];
    const ids = [late._id, other._id];
    const token = await applications.beginChange(given.side.app, late._id);
    await endpoints.update(other, { channels: ['b'] });
    expect(await accepts()).toEqual({ [late._id]: 'a', [other._id]: 'b' });
    await delivers(ids);
    await write(late._id, 'b');
    await applications.endChange(given.side.app, token);
    expect(await accepts()).toEqual({ [late._id]: 'b', [other._id]: 'b' });
    expect(await delivers(ids)).toEqual({ [late._id]: 'b', [other._id]: 'b' });
  });

  it('follows within five seconds a change whose process died before it told of it, whatever changed since', async () => {
    const { applications, endpoints, accepts, delivers, pass } = processes();
    const [half, other] = [await endpoint('a'), await endpoint('a')];
    const ids = [half._id, other._id];
    await applications.beginChange(given.side.app, half._id);
    await endpoints.update(other, { channels: ['b'] });
    await accepts();
    await delivers(ids);
    await write(half._id, 'b');
    expect((await accepts())[half._id]).toBe('a');
    pass(STALE_MS);
    expect((await accepts())[half._id]).toBe('b');
    expect((await delivers(ids))[half._id]).toBe('b');
  });

  it('is read whole where more changed than the application tells, or something that did not tell', async () => {
    const { endpoints, accepts, delivers } = processes();
    const [one, other] = [await endpoint('a'), await endpoint('a')];
    const ids = [one._id, other._id];
    const both = async () => [(await accepts())[other._id], (await delivers(ids))[other._id]];
    await both();
    await write(other._id, 'b');
    const change = (times: number) =>
      Promise.all(Array.from({ length: times }, (_, n) => endpoints.update(one, { channels: [`n${n}`] })));
    await change(MOST_TOLD - 1);
    expect(await both()).toEqual(['a', 'a']);
    await write(other._id, 'c');
    await change(MOST_TOLD);
    expect(await both()).toEqual(['c', 'c']);
    await write(other._id, 'd');
    await given.side.models.applications.updateOne({ _id: given.side.app }, { $inc: { rev: 1 } });
    expect(await both()).toEqual(['d', 'd']);
  });
});
