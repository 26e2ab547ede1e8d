import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './binary-cache.js';
import { resolveTemporal } from './temporal-steps.js';

/** A program that answers `--version` like the CLI of this server version. */
const program = (server: string) =>
  `#!/bin/sh\necho "temporal version 1.9.1 (Server ${server}, UI 2.54.1)"\n`;

describe('the downloaded Temporal', () => {
  let folder: string;
  let site: Server;
  let env: NodeJS.ProcessEnv;
  let asked: string[];
  let archive: Buffer;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-download-'));
    asked = [];
    archive = packed('1.32.0');
    site = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end(request.method === 'GET' ? archive : undefined);
    }).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const { port } = site.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/cli/archive`;
    env = { PATH: folder, XDG_CACHE_HOME: folder, HOLDFAST_TEMPORAL_DOWNLOAD_URL: url };
  });
  afterEach(() => {
    site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function packed(server: string): Buffer {
    const work = join(folder, 'work');
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, 'temporal'), program(server));
    chmodSync(join(work, 'temporal'), 0o755);
    execFileSync('tar', ['-czf', join(folder, 'temporal.tar.gz'), '-C', work, 'temporal']);
    return readFileSync(join(folder, 'temporal.tar.gz'));
  }

  const resolve = (more: NodeJS.ProcessEnv = {}) => resolveTemporal({ ...env, ...more }, () => undefined);

  it('is asked for in the pinned version for this machine, kept, and not fetched again', async () => {
    expect(await resolve()).toMatchObject({ step: 'download', value: { kind: 'binary', version: '1.32.0' } });
    expect(asked).toHaveLength(2);
    expect(asked[1]).toMatch(/^GET \/cli\/archive\/v1\.9\.1\?platform=\w+&arch=\w+$/);
    expect(await resolve()).toMatchObject({ step: 'cache' });
    expect(asked).toHaveLength(2);
  });

  it('of another version than the pinned one is thrown away', async () => {
    archive = packed('1.31.0');
    await expect(resolve({ HOLDFAST_TEMPORAL: 'download' })).rejects.toThrow(
      'expected Temporal Server 1.32.0, got 1.31.0',
    );
    expect(readdirSync(cacheFolder(env)).filter((name) => name.startsWith('temporal'))).toEqual([]);
  });

  it('that was changed in the cache is not run', async () => {
    const { value } = await resolve();
    if (value.kind === 'binary')
      writeFileSync(value.binary, program('1.32.0').replace('echo', 'touch x; echo'));
    const again = await resolve();
    expect(again.passed.find(({ step }) => step === 'cache')?.why).toContain(
      'does not match its .sha256 file',
    );
    expect(again.step).toBe('download');
  });

  it('is not fetched with HOLDFAST_OFFLINE=1', async () => {
    const offline = resolve({ HOLDFAST_OFFLINE: '1', HOLDFAST_TEMPORAL: 'download' });
    await expect(offline).rejects.toThrow('download: HOLDFAST_OFFLINE=1');
    expect(asked).toEqual([]);
  });

  it('of a program on PATH that is new enough is not needed; an older one is passed over', async () => {
    writeFileSync(join(folder, 'temporal'), program('1.33.0'), { mode: 0o755 });
    expect(await resolve()).toMatchObject({ step: 'path', value: { version: '1.33.0' } });
    writeFileSync(join(folder, 'temporal'), program('1.20.0'), { mode: 0o755 });
    const found = await resolve();
    expect(found.step).toBe('download');
    expect(found.passed.find(({ step }) => step === 'path')?.why).toContain('Server 1.20.0, expected 1.32.0');
  });

  it('without any way names the four ways out', async () => {
    const none = resolve({ HOLDFAST_TEMPORAL: 'cache' });
    await expect(none).rejects.toThrow(/TEMPORAL_ADDRESS=[^]*put temporal[^]*HOLDFAST_OFFLINE[^]*install Go/);
  });
});
