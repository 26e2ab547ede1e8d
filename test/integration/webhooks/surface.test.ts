import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

let running: RunningStack;
beforeAll(async () => {
  running = await runningStack();
}, 120_000);
afterAll(() => running?.end(), 60_000);

const run = promisify(execFile);
const page = async (path: string) => {
  const response = await fetch(`${running.stack.apiUrl}${path}`, { redirect: 'manual' });
  return { status: response.status, location: response.headers.get('location'), text: await response.text() };
};
const holdfast = (...args: string[]) =>
  run(process.execPath, ['dist/cli/holdfast.js', ...args], {
    env: { ...process.env, HOLDFAST_API_URL: running.stack.apiUrl, HOLDFAST_API_KEY: running.stack.apiKey },
  });

describe('what needs no key', () => {
  it('tells that it lives, is ready, and accepts', async () => {
    expect((await page('/healthz')).status).toBe(200);
    expect(JSON.parse((await page('/readyz')).text)).toEqual({ status: 'ok', mongodb: 'ok', temporal: 'ok' });
    expect((await page('/api/v1/health')).status).toBe(204);
    expect((await page('/api/v1/health/ping')).status).toBe(204);
  });

  it('serves the documentation and the description that is committed', async () => {
    expect(await page('/')).toMatchObject({ status: 302, location: '/docs' });
    expect((await page('/docs')).text).toContain('Holdfast API');
    const served = JSON.parse((await page('/openapi.json')).text) as unknown;
    expect(served).toEqual(JSON.parse(readFileSync('openapi.json', 'utf8')));
  });

  it('counts what it does', async () => {
    const { app } = await running.api.target(running.sink.url);
    await running.api.post(`/api/v1/app/${app}/msg`, { eventType: 'a.b', payload: {} });
    const { text } = await page('/metrics');
    expect(text).toMatch(/^holdfast_webhook_accepted_total [1-9]/m);
    expect(text).toContain('route="/api/v1/app/:app_id/msg",status="202"');
  });
});

describe('every route needs a key but these', () => {
  // Who posts to an inbound source signs what he sends.
  const SIGNED = '/api/v1/inbound/{source}';
  // A one-time token is a key itself.
  const EXCHANGED = '/api/v1/auth/one-time-token';
  const PUBLIC = [
    '/healthz',
    '/readyz',
    '/api/v1/health',
    '/api/v1/health/ping',
    '/metrics',
    SIGNED,
    EXCHANGED,
  ];

  it('as the description lists them', async () => {
    const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as { paths: Record<string, object> };
    const open: string[] = [];
    for (const [path, item] of Object.entries(paths)) {
      for (const method of Object.keys(item)) {
        const answer = await running.api.call(method.toUpperCase(), path.replace(/\{\w+\}/g, 'x'), {
          key: null,
        });
        if (answer.status !== 401 && !open.includes(path)) open.push(path);
      }
    }
    expect(open.toSorted()).toEqual(PUBLIC.toSorted());
  });
});

describe('paths', () => {
  it('may end in a slash', async () => {
    expect((await running.api.call('GET', '/api/v1/app/')).status).toBe(200);
  });
});

describe('holdfast keys', () => {
  it('makes a key that works, lists it without its secret, and revokes it', async () => {
    const made = await holdfast('keys', 'create', '--name', 'ci', '--role', 'viewer', '--json');
    const { id, token } = JSON.parse(made.stdout) as { id: string; token: string };
    expect((await running.api.call('GET', '/api/v1/app', { key: token })).status).toBe(200);
    expect((await running.api.call('POST', '/api/v1/app', { key: token, body: { name: 'x' } })).status).toBe(
      403,
    );
    const listed = await holdfast('keys', 'list');
    expect(listed.stdout).toContain(id);
    expect(listed.stdout).not.toContain(token.slice(12));
    expect((await holdfast('keys', 'revoke', id)).stdout).toContain('revoked');
    await expect(holdfast('keys', 'revoke', id)).rejects.toMatchObject({ code: 1 });
  });

  it('says what is wrong with a call', async () => {
    await expect(holdfast('keys', 'create')).rejects.toMatchObject({ code: 2 });
    await expect(holdfast('keys', 'create', '--name', 'x', '--role', 'king')).rejects.toMatchObject({
      stderr: expect.stringContaining('role') as string,
    });
  });
});

describe('wrong settings', () => {
  it.each(['dist/src/api/main.js', 'dist/src/workers/main.js'])(
    '%s lists them and ends with 2',
    async (main) => {
      const env = { PATH: process.env['PATH'], MONGODB_URL: 'mysql://x', API_PORT: 'many' };
      await expect(run(process.execPath, [main], { env })).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/MONGODB_URL[\s\S]*TEMPORAL_ADDRESS[\s\S]*API_PORT/) as string,
      });
    },
  );
});
