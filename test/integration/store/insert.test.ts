import type mongoose from 'mongoose';
import { newId } from '../../../src/platform/ids.js';
import { toProblem } from '../../../src/platform/http/problem.filter.js';
import { connectMongo } from '../../../src/store/connection.js';
import { MessageRepository } from '../../../src/store/webhooks/message.repository.js';
import type { MessageRow } from '../../../src/store/webhooks/message.schema.js';
import { createWebhookIndexes, webhookModels } from '../../../src/store/webhooks/webhook-models.js';
import { EmbeddedProcess } from '../embedded-mongodb/embedded-process.js';

let server: EmbeddedProcess;
let connection: mongoose.Connection;
let messages: MessageRepository;

beforeAll(async () => {
  server = await EmbeddedProcess.start('--test-commands');
  connection = await connectMongo(server.uri, 'accept');
  const models = webhookModels(connection);
  await createWebhookIndexes(models);
  messages = new MessageRepository(models);
}, 60_000);
afterAll(async () => {
  await connection.close();
  await server.stop();
});

const row = (ek?: string) =>
  ({
    _id: newId('msg'),
    app: 'app',
    k: [],
    expiresAt: new Date(),
    ...(ek && { ek }),
  }) as unknown as MessageRow;
const failing = (mode: unknown, data: object) =>
  connection.getClient().db('admin').command({ configureFailPoint: 'failCommand', mode, data });
const stored = async (rows: MessageRow[]) => (await messages.findMany(rows.map(({ _id }) => _id))).length;

describe('storing messages', () => {
  afterEach(() => failing('off', {}));

  it('tells which ones a unique index refused; the others are stored', async () => {
    const [first, second, third] = [row('a'), row('a'), row('b')];
    expect(await messages.insert([first, second, third])).toEqual(new Set([second]));
    expect(await stored([first, second, third])).toBe(2);
  });

  it('fails when the database is lost before it answers, and again when the driver repeats it', async () => {
    await failing({ times: 2 }, { failCommands: ['insert'], closeConnection: true });
    const rows = [row(), row()];
    const error = await messages.insert(rows).catch((thrown: unknown) => thrown);
    expect(toProblem(error).code).toBe('unavailable');
    expect(await stored(rows)).toBe(0);
    expect(await messages.insert(rows)).toEqual(new Set());
    expect(await stored(rows)).toBe(2);
  });

  it('fails when the rows are stored but not known to be durable, duplicates among them or not', async () => {
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' };
    await failing('alwaysOn', { failCommands: ['insert'], writeConcernError });
    await expect(messages.insert([row()])).rejects.toThrow('waiting for replication');
    await expect(messages.insert([row('c'), row('c')])).rejects.toThrow();
  });
});
