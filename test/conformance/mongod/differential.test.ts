import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mongoose from 'mongoose';
import { findOnPath } from '../../../embedded/stack/servers/find-on-path.js';
import { checkMongod, directUrl } from '../../../embedded/stack/servers/mongodb-health.js';
import { anyFreePort } from '../../../embedded/stack/service/ports.js';
import { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import { describeWith } from '../tools/foreign-tool.js';
import { compareServers } from './differential.js';

const SEED = 20_261_121;
const mongod = findOnPath('mongod');

let embedded: EmbeddedProcess;

beforeEach(async () => {
  embedded = await EmbeddedProcess.start();
});

afterEach(() => embedded.stop());

describeWith('a mongod', mongod ? { folder: mongod } : { missing: 'no mongod on PATH' }, (binary) => {
  let folder: string;
  let child: ChildProcess;
  let client: mongoose.mongo.MongoClient;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-mongod-'));
    const port = await anyFreePort(new Set());
    const args = ['--replSet', 'rs0', '--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1'];
    child = spawn(binary, args, { stdio: 'ignore' });
    while (
      !(await checkMongod(port, 'differential').then(
        () => true,
        () => false,
      ))
    ) {
      if (child.exitCode !== null) throw new Error(`${binary} ended with ${child.exitCode}`);
      await delay(200);
    }
    client = await new mongoose.mongo.MongoClient(directUrl(port)).connect();
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    child.kill('SIGTERM');
    await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  test('50,000 random operations are answered by both as one, or refused', async () => {
    const plan = { operations: 50_000, seed: SEED };
    const { differences, ...counts } = await compareServers(client, await embedded.connect(), plan);
    process.stderr.write(`figures: embedded MongoDB beside mongod: ${JSON.stringify(counts)}\n`);
    expect(differences).toEqual([]);
    expect(counts.operations).toBe(50_000);
  }, 600_000);
});

describe('the comparison of two servers', () => {
  let other: EmbeddedProcess;

  beforeEach(async () => {
    other = await EmbeddedProcess.start();
  });

  afterEach(() => other.stop());

  test('sends commands that are carried out and meet documents, the same ones for the same seed', async () => {
    const [left, right] = [await other.connect(), await embedded.connect()];
    const result = await compareServers(left, right, { operations: 800, seed: SEED });
    expect(result).toMatchObject({ operations: 800, differences: [] });
    expect(result.carriedOut).toBeGreaterThan(500);
    expect(await left.db('differential').collection('c').countDocuments()).toBeGreaterThan(50);
  }, 120_000);

  test('negative control: documents that were changed on one side are noticed', async () => {
    const [left, right] = [await other.connect(), await embedded.connect()];
    const disturb = (): Promise<unknown> =>
      right
        .db('differential')
        .collection('c')
        .updateMany({}, [{ $set: { c: 'harmed' } }]);
    const result = await compareServers(left, right, { operations: 300, seed: SEED, disturb });
    expect(result.differences).not.toEqual([]);
  }, 120_000);
});
