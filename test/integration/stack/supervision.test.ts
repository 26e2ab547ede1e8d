import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { identify } from '../../../embedded/stack/leftovers/process-identity.js';
import type { StackEvent } from '../../../embedded/stack/stack-event.js';
import { startStack, type Stack } from '../../../embedded/stack/stack.js';

let dataDir: string;
let events: StackEvent[];
let stack: Stack | undefined;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-supervision-'));
  events = [];
});
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

/** The two servers without api and workers: what is supervised does not matter here. */
const start = () =>
  startStack({ dataDir, ports: 'free', services: 'servers', report: (event) => events.push(event) });
const notes = () => events.map((event) => (event.type === 'note' ? event.text : '')).join('\n');
const isRunning = (pid: number | undefined) => pid !== undefined && identify(pid) !== undefined;

async function withCollection<T>(url: string, use: (words: ReturnType<typeof collection>) => Promise<T>) {
  const client = new MongoClient(url);
  try {
    return await use(collection(client));
  } finally {
    await client.close();
  }
}
const collection = (client: MongoClient) => client.db('supervision').collection<{ _id: string }>('words');

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Another process starts the servers; it is killed with -9 after `meanwhile`. */
async function killedSupervisor(orphans: 'keep' | 'end', meanwhile: (url: string) => Promise<unknown>) {
  const options = JSON.stringify({ dataDir, ports: 'free', services: 'servers', orphans });
  const program = `
    import { startStack } from '${process.cwd()}/dist/embedded/stack/stack.js';
    const stack = await startStack(${options});
    console.log(JSON.stringify({ url: stack.mongodbUrl, pids: stack.pids() }));`;
  const supervisor = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(supervisor.stdout, 'data')) as [Buffer];
  const started = JSON.parse(line.toString()) as { url: string; pids: Record<string, number> };
  await meanwhile(started.url);
  supervisor.kill('SIGKILL');
  await once(supervisor, 'exit');
  return started;
}

describe('supervision of one machine', () => {
  it('a killed server comes back on the same port with its data', async () => {
    stack = await start();
    const before = stack.pids();
    await withCollection(stack.mongodbUrl, (words) => words.insertOne({ _id: 'kept' }));
    await stack.kill('mongodb');
    await until(() => events.some((event) => event.type === 'ready' && event.what === 'restarted'));
    expect(stack.pids()['mongodb']).not.toBe(before['mongodb']);
    expect(stack.pids()['temporal']).toBe(before['temporal']);
    const kept = await withCollection(stack.mongodbUrl, (words) => words.findOne({ _id: 'kept' }));
    expect(kept).toEqual({ _id: 'kept' });
  }, 60_000);

  it('a server that dies more than five times in a minute is given up, with its name', async () => {
    stack = await start();
    let failure: Error | undefined;
    void stack.failed.then((error) => (failure = error));
    for (let pid = 0; !failure;) {
      const now = stack.pids()['mongodb'] ?? pid;
      if (now !== pid && isRunning(now)) process.kill((pid = now), 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(failure.message).toMatch(/^mongodb was ended by SIGKILL, more than five times in a minute/);
    expect(events.filter(({ type }) => type === 'crashed')).toHaveLength(5);
  }, 60_000);

  it('a second stack on the same data is refused and leaves the first alone', async () => {
    stack = await start();
    await expect(start()).rejects.toThrow(`another Holdfast (pid ${process.pid}) already runs on ${dataDir}`);
    expect(isRunning(stack.pids()['mongodb'])).toBe(true);
    await withCollection(stack.mongodbUrl, (words) => words.insertOne({ _id: 'still writable' }));
  }, 60_000);

  it('after kill -9 of the supervisor the next start takes over what still serves and loses nothing', async () => {
    const first = await killedSupervisor('keep', (url) =>
      withCollection(url, (words) => words.insertOne({ _id: 'kept' })),
    );
    expect(isRunning(first.pids['temporal'])).toBe(true);

    stack = await start();
    expect(notes()).toContain(
      `temporal of an earlier start still runs (pid ${first.pids['temporal']}): taken over`,
    );
    expect(stack.pids()['temporal']).toBe(first.pids['temporal']);
    expect(stack.pids()['mongodb']).not.toBe(first.pids['mongodb']);
    const kept = await withCollection(stack.mongodbUrl, (words) => words.findOne({ _id: 'kept' }));
    expect(kept).toEqual({ _id: 'kept' });

    const pids = Object.values(stack.pids());
    await stack.stop();
    expect(pids.filter(isRunning)).toEqual([]);
    expect(readdirSync(join(dataDir, 'run')).filter((name) => name.endsWith('.json'))).toEqual([]);
  }, 90_000);

  it('a test run that is killed leaves no server behind', async () => {
    const { pids } = await killedSupervisor('end', async () => undefined);
    await until(() => !Object.values(pids).some(isRunning));
    expect(Object.keys(pids).sort()).toEqual(['mongodb', 'temporal']);
  }, 60_000);
});
