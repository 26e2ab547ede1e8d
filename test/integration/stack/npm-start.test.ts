import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { identify } from '../../../embedded/stack/leftovers/process-identity.js';

interface Line {
  type: string;
  service?: string;
  what?: string;
  apiUrl?: string;
  apiKey?: string;
}

const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-npm-start-'));
let running: ChildProcess | undefined;
afterAll(async () => {
  if (running && running.exitCode === null) {
    running.kill('SIGTERM');
    await once(running, 'exit');
  }
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

/** What `npm start -- --json` runs after the build, until it says that all is ready. */
async function start(): Promise<{ process: ChildProcess; lines: Line[]; summary: Line }> {
  const child = spawn(process.execPath, ['dist/embedded/start.js', '--json'], {
    env: { ...process.env, HOLDFAST_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const lines: Line[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (line.type === 'summary') return { process: child, lines, summary: line };
  }
  throw new Error(`npm start ended before it was ready: ${JSON.stringify(lines)}`);
}

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

    const stackFile = join(dataDir, 'run', 'stack.json');
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
