import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { identify, isAlive, signalProcess } from '../../../embedded/stack/leftovers/process-identity.js';
import type { ProcessIdentity } from '../../../embedded/stack/leftovers/process-identity.js';
import { until } from '../../support/until.js';

interface Line {
  type: string;
  service?: string;
  what?: string;
  apiUrl?: string;
  apiKey?: string;
}

const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-npm-start-'));
const stackFile = join(dataDir, 'run', 'stack.json');
let running: ChildProcess | undefined;
afterAll(async () => {
  if (running && running.exitCode === null && running.signalCode === null) {
    running.kill('SIGTERM');
    await once(running, 'exit');
  }
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

interface Started {
  process: ChildProcess;
  lines: Line[];
  summary: Line;
}

/** What `npm start -- --json` runs after the build, until it says that all is ready. */
const start = () => untilReady(process.execPath, ['dist/embedded/start.js', '--json']);
/** `npm start -- --json` itself: npm, the shell that npm runs scripts in, the bootstrap, and the supervisor. */
const npmStart = () => untilReady('npm', ['start', '--', '--json']);

async function untilReady(command: string, args: string[]): Promise<Started> {
  const child = spawn(command, args, {
    env: { ...process.env, HOLDFAST_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const lines: Line[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    if (!text.startsWith('{')) continue; // npm says what it runs
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (line.type === 'summary') return { process: child, lines, summary: line };
  }
  throw new Error(`npm start ended before it was ready: ${JSON.stringify(lines)}`);
}

/** Every process of a start, from npm to the servers, by name. */
function family({ process: npm }: Started): Map<string, ProcessIdentity> {
  const { pids } = JSON.parse(readFileSync(stackFile, 'utf8')) as { pids: Record<string, number> };
  const bootstrap = parentOf(pids['supervisor']!);
  const shell = parentOf(bootstrap);
  const chain = shell === npm.pid ? {} : { shell };
  const all: Record<string, number> = { npm: npm.pid!, ...chain, bootstrap, ...pids };
  return new Map(Object.entries(all).map(([name, pid]) => [name, identify(pid)!]));
}

const parentOf = (pid: number) =>
  Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));

const delivery = (lines: Line[]) => lines.find(({ service }) => service === 'delivery')?.what;

async function messages({ apiUrl, apiKey }: Line): Promise<unknown[]> {
  const headers = { authorization: `Bearer ${apiKey}` };
  const response = await fetch(`${apiUrl}/api/v1/app/first-app/msg`, { headers });
  return ((await response.json()) as { data: unknown[] }).data;
}

describe('npm start', () => {
  it('ends in a delivered message; Ctrl-C leaves no process; the next start continues with the data', async () => {
    const first = await start();
    expect(delivery(first.lines)).toMatch(/^first message delivered: msg_/);
    expect(await messages(first.summary)).toHaveLength(1);

    expect(statSync(stackFile).mode & 0o777).toBe(0o600);
    const { pids } = JSON.parse(readFileSync(stackFile, 'utf8')) as { pids: Record<string, number> };
    expect(Object.keys(pids).sort()).toEqual(['api', 'mongodb', 'supervisor', 'temporal', 'worker']);

    // The terminal and npm each pass Ctrl-C on: the second one within a second is the same key press.
    first.process.kill('SIGINT');
    first.process.kill('SIGINT');
    expect(await once(first.process, 'exit')).toEqual([0, null]);
    expect(Object.values(pids).filter((pid) => identify(pid) !== undefined)).toEqual([]);

    const second = await start();
    expect(delivery(second.lines)).toMatch(/^one more beside 1 message: msg_/);
    expect(second.summary.apiKey).toBe(first.summary.apiKey);
    expect(await messages(second.summary)).toHaveLength(2);
    second.process.kill('SIGINT');
    expect(await once(second.process, 'exit')).toEqual([0, null]);
  }, 180_000);
});

describe('when one process of npm start ends without the others', () => {
  let processes = new Map<string, ProcessIdentity>();
  afterEach(() => {
    for (const one of processes.values()) signalProcess(one, 'SIGKILL');
  });
  const left = async () => [...processes].filter(([, one]) => isAlive(one)).map(([name]) => name);

  it.each<[string, NodeJS.Signals]>([
    ['npm', 'SIGTERM'],
    ['npm', 'SIGKILL'],
    ['bootstrap', 'SIGKILL'],
  ])(
    '%s by %s, everything stops',
    async (name, signal) => {
      processes = family(await npmStart());
      process.kill(processes.get(name)!.pid, signal);
      await until(left, (names) => names.length === 0, 40_000);
      expect(existsSync(stackFile)).toBe(false);
    },
    120_000,
  );

  it('the supervisor by kill -9, what it started ends, but Temporal, which the next start takes over', async () => {
    processes = family(await npmStart());
    process.kill(processes.get('supervisor')!.pid, 'SIGKILL');
    await until(left, (names) => names.join() === 'temporal', 60_000);

    const next = await start();
    expect(family(next).get('temporal')).toEqual(processes.get('temporal'));
    expect(delivery(next.lines)).toMatch(/^one more beside \d+ messages?: msg_/);
    next.process.kill('SIGINT');
    expect(await once(next.process, 'exit')).toEqual([0, null]);
    expect(await left()).toEqual([]);
  }, 180_000);
});
