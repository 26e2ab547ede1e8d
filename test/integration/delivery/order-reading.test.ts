import { jest } from '@jest/globals';
import { FifoReader } from '../../../src/activities/webhooks/lane/reading/fifo-reader.js';
import { fanOut } from '../../../src/store/webhooks/fan-out.js';
import { FifoRepository } from '../../../src/store/webhooks/fifo.repository.js';
import type { EndpointRow } from '../../../src/store/webhooks/endpoint.schema.js';
import type { MessageRow } from '../../../src/store/webhooks/message.schema.js';
import { SweepRepository } from '../../../src/store/webhooks/sweep.repository.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';

jest.setTimeout(60_000);

const SINCE_MS = Date.now() - 60_000;

const given = DeliveryFixture.inThisFile();

/** A repository that does something once, right after the open deliveries were read. */
class InterruptedFifo extends FifoRepository {
  reads = 0;
  afterRead: () => Promise<unknown> = () => Promise.resolve();

  override async open(...query: Parameters<FifoRepository['open']>) {
    const rows = await super.open(...query);
    this.reads += 1;
    const { afterRead } = this;
    this.afterRead = () => Promise.resolve();
    await afterRead();
    return rows;
  }
}

async function orderedEndpoint(): Promise<EndpointRow> {
  const endpoint = await given.side.endpoint(given.sink.url);
  return { ...endpoint, lane: endpoint._id, createdAt: new Date(SINCE_MS) };
}

/** Messages of these keys, without their deliveries, one a second. */
async function messages(endpoint: EndpointRow, keys: readonly string[]): Promise<MessageRow[]> {
  const rows: MessageRow[] = [];
  for (const [n, f] of keys.entries()) {
    const [row] = await given.side.accept([endpoint], 1, false, '{}', new Date(SINCE_MS + n * 1_000));
    const targets = row!.targets.map((target) => ({ ...target, l: endpoint._id, f }));
    await given.side.models.messages.updateOne({ _id: row!._id }, { $set: { targets } });
    rows.push({ ...row!, targets });
  }
  return rows;
}

function reader(endpoint: EndpointRow) {
  const fifo = new InterruptedFifo(given.side.models);
  const sweeps = new SweepRepository(given.side.models);
  const read = new FifoReader(fifo, sweeps, endpoint._id, { completeThrough: null });
  const next = async (busyKeys: string[] = []) =>
    (await read.read(endpoint, busyKeys)).rows.map(({ msg }) => msg);
  return { fifo, next };
}

describe('the deliveries of an ordered endpoint are read', () => {
  it('with those of earlier messages that lack them', async () => {
    const endpoint = await orderedEndpoint();
    const [earlier, later] = await messages(endpoint, ['a', 'a']);
    await fanOut(given.side.models, [later!]);
    expect(await reader(endpoint).next()).toEqual([earlier!._id, later!._id]);
  });

  it('with an earlier one that somebody else stores in the middle of the read', async () => {
    const endpoint = await orderedEndpoint();
    const [earlier, later] = await messages(endpoint, ['a', 'a']);
    await fanOut(given.side.models, [later!]);
    const { fifo, next } = reader(endpoint);
    fifo.afterRead = () => fanOut(given.side.models, [earlier!]);
    expect(await next()).toEqual([earlier!._id, later!._id]);
    expect(fifo.reads).toBe(2);
  });

  it('once where nothing lacks, keys that are busy and what has ended left out', async () => {
    const endpoint = await orderedEndpoint();
    const rows = await messages(endpoint, ['busy', 'ended', 'a', 'b']);
    await fanOut(given.side.models, rows);
    await given.side.models.deliveries.updateOne({ msg: rows[1]!._id }, { $unset: { q: '' } });
    const { fifo, next } = reader(endpoint);
    expect(await next(['busy'])).toEqual([rows[2]!._id, rows[3]!._id]);
    expect(fifo.reads).toBe(1);
  });
});
