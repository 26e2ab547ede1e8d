import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type mongoose from 'mongoose';
import { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import { contentOf } from './database-content.js';
import type { Content } from './database-content.js';
import { mongoTools } from './database-tools.js';
import { describeWith, runProgram } from './foreign-tool.js';
import { DATABASES, fillSampleData } from './sample-data.js';

const tool = await mongoTools();

describeWith('mongodump and mongorestore', tool, (programs) => {
  let source: EmbeddedProcess;
  let client: mongoose.mongo.MongoClient;
  let folder: string;
  let before: Record<string, Content>;

  const run = async (program: string, server: EmbeddedProcess, ...args: string[]): Promise<string> => {
    const { code, output } = await runProgram(join(programs, program), [`--uri=${server.uri}`, ...args]);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  };

  /** Runs `use` with an empty server and what it holds afterwards. */
  const restored = async (
    use: (server: EmbeddedProcess) => Promise<unknown>,
  ): Promise<Record<string, Content>> => {
    const target = await EmbeddedProcess.start();
    try {
      await use(target);
      return await contentOf(await target.connect(), DATABASES);
    } finally {
      await target.stop();
    }
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-mongodump-'));
    source = await EmbeddedProcess.start();
    client = await source.connect();
    await fillSampleData(client, source.port);
    before = await contentOf(client, DATABASES);
    await run('mongodump', source, `--out=${join(folder, 'dump')}`);
  }, 120_000);

  afterAll(async () => {
    await source.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('a dump restored into an empty server has the same documents and indexes', async () => {
    const dump = `--dir=${join(folder, 'dump')}`;
    expect(await restored((server) => run('mongorestore', server, dump))).toEqual(before);
    expect(Object.keys(before)).toHaveLength(4);
    expect(before['first.indexed']?.count).toBe(5_000);
    expect(Object.keys(before['first.indexed']?.indexes ?? {})).toHaveLength(8);
  }, 120_000);

  test('a changed document is seen by the comparison', async () => {
    const after = await restored(async (server) => {
      await run('mongorestore', server, `--dir=${join(folder, 'dump')}`);
      const typed = (await server.connect()).db('first').collection('typed');
      await typed.updateOne({ _id: 0 as never }, { $set: { 0: 'c' } });
    });
    expect(after['first.typed']).not.toEqual(before['first.typed']);
    expect(after['first.indexed']).toEqual(before['first.indexed']);
  }, 120_000);

  test('a compressed archive restores the same', async () => {
    const archive = `--archive=${join(folder, 'archive.gz')}`;
    await run('mongodump', source, archive, '--gzip');
    expect(await restored((server) => run('mongorestore', server, archive, '--gzip'))).toEqual(before);
  }, 120_000);

  test('a query and a collection dump only what they name', async () => {
    const part = join(folder, 'part');
    const query = ['--db=first', '--collection=indexed', '--query={"n":{"$lt":{"$numberInt":"5"}}}'];
    await run('mongodump', source, ...query, `--out=${part}`);
    const after = await restored((server) => run('mongorestore', server, `--dir=${part}`));
    expect(Object.keys(after)).toEqual(['first.indexed']);
    expect(after['first.indexed']?.count).toBe(5);
    expect(after['first.indexed']?.indexes).toEqual(before['first.indexed']?.indexes);
  }, 120_000);

  test('the whole oplog replayed on an empty server makes the same databases', async () => {
    const history = join(folder, 'history');
    const changing = client.db('second').collection<{ _id: number; n?: number }>('changing');
    await changing.insertMany(Array.from({ length: 100 }, (_, n) => ({ _id: n })));
    await changing.updateMany({ _id: { $gte: 50 } }, { $inc: { n: 1 } });
    await changing.deleteMany({ _id: { $lt: 25 } });
    await changing.createIndex({ n: 1 });
    await client.db('second').collection('gone').insertOne({});
    await client.db('second').collection('gone').drop();
    await client
      .db('second')
      .collection('old')
      .insertOne({ _id: 1 as never });
    await client.db('second').renameCollection('old', 'new');
    const now = await contentOf(client, DATABASES);
    await run('mongodump', source, '--db=local', '--collection=oplog.rs', `--out=${history}`);
    const file = `--oplogFile=${join(history, 'local', 'oplog.rs.bson')}`;
    const empty = await mkdtemp(join(folder, 'empty-'));
    const replay = (server: EmbeddedProcess) =>
      run('mongorestore', server, '--oplogReplay', file, `--dir=${empty}`);
    expect(await restored(replay)).toEqual(now);
    expect(now['second.changing']?.count).toBe(75);
  }, 240_000);

  test('a dump with oplog taken while somebody writes is one moment of the database', async () => {
    const collections = Array.from({ length: 10 }, (_, at) => client.db('second').collection(`moment${at}`));
    const next = async (n: number): Promise<unknown> =>
      collections[n % 10]?.updateOne({ _id: 1 as never }, { $set: { n } }, { upsert: true });
    let n = 0;
    while (n < 10) await next(n++);
    let dumping = true;
    const writing = (async () => {
      while (dumping) await next(n++);
    })();
    await run('mongodump', source, '--oplog', `--out=${join(folder, 'moment')}`);
    dumping = false;
    await writing;
    const seen: number[] = [];
    let said = '';
    await restored(async (server) => {
      said = await run('mongorestore', server, '--oplogReplay', `--dir=${join(folder, 'moment')}`);
      const db = (await server.connect()).db('second');
      for (const { collectionName } of collections)
        seen.push(Number((await db.collection(collectionName).findOne())?.['n']));
    });
    const last = Math.max(...seen);
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, at) => last - 9 + at));
    expect(Number(/applied (\d+) oplog entries/.exec(said)?.[1])).toBeGreaterThan(0);
  }, 120_000);

  test('--drop replaces what is there by the dump', async () => {
    await client
      .db('first')
      .collection('indexed')
      .deleteMany({ n: { $lt: 2_500 } });
    await client.db('first').collection('indexed').dropIndex('partial');
    const said = await run('mongorestore', source, '--drop', `--dir=${join(folder, 'dump')}`);
    expect(said).toMatch(/0 document\(s\) failed to restore/);
    const after = await contentOf(client, ['first']);
    for (const [ns, content] of Object.entries(after)) expect(content).toEqual(before[ns]);
  }, 120_000);
});
