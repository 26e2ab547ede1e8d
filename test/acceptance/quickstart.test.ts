import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { jest } from '@jest/globals';
import { ApiCaller } from '../support/api-caller.js';
import { WebhookSink } from '../support/webhook-sink.js';

const LIMIT_MS = 120_000;
jest.setTimeout(600_000);

const folder = mkdtempSync(join(tmpdir(), 'holdfast-quickstart-'));
let sink: WebhookSink;
let stop = (): Promise<unknown> => Promise.resolve();
beforeAll(async () => {
  sink = await WebhookSink.start();
});
afterAll(async () => {
  await stop();
  sink.close();
  rmSync(folder, { recursive: true, force: true });
}, 90_000);

/** `npm start` as somebody types it, until it says that all is ready. */
async function npmStart(checkout: string): Promise<{ apiUrl: string; apiKey: string }> {
  const child = spawn('npm', ['start', '--silent', '--', '--json'], {
    ...{ cwd: checkout, env: { ...process.env, HOLDFAST_DATA_DIR: join(folder, 'data') } },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  stop = async () => {
    if (child.exitCode !== null) return;
    // Ctrl-C goes to all processes of a terminal; the shell that npm starts does not pass a signal on.
    process.kill(-child.pid!, 'SIGINT');
    await once(child, 'exit');
  };
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as { type: string; apiUrl: string; apiKey: string };
    if (line.type === 'summary') return line;
  }
  throw new Error('npm start ended before it was ready');
}

describe('a clean checkout', () => {
  it('delivers a first webhook within two minutes of npm start, with three calls', async () => {
    const checkout = join(folder, 'checkout');
    execFileSync('git', ['clone', '--quiet', '--no-hardlinks', process.cwd(), checkout]);
    const started = Date.now();
    const { apiUrl, apiKey } = await npmStart(checkout);
    const readySec = (Date.now() - started) / 1000;
    const api = new ApiCaller(apiUrl, apiKey);
    await api.post('/api/v1/app', { name: 'First', uid: 'first' });
    await api.post('/api/v1/app/first/endpoint', { url: `${sink.url}/hook` });
    const message = await api.post<{ id: string }>('/api/v1/app/first/msg', {
      ...{ eventType: 'work_order.created', payload: { id: 'WO-1' } },
    });
    await sink.untilArrived([message.body.id], LIMIT_MS);
    const sec = (Date.now() - started) / 1000;
    process.stderr.write(
      `figures: ready after ${readySec.toFixed(1)} s, packages and build included; delivered after ${sec.toFixed(1)} s\n`,
    );
    expect(sec * 1000).toBeLessThanOrEqual(LIMIT_MS);
  });
});
