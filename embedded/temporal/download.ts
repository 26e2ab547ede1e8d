import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { ARCHITECTURE } from './binary-cache.js';
import { PINNED } from './version.js';

const run = promisify(execFile);
const CONNECT_TIMEOUT_MS = 5_000;

/** Address of the official archive (a redirect to the release); `HOLDFAST_TEMPORAL_DOWNLOAD_URL` is a mirror. */
export function archiveUrl(env: NodeJS.ProcessEnv): string {
  const base = env['HOLDFAST_TEMPORAL_DOWNLOAD_URL'] || 'https://temporal.download/cli/archive';
  return `${base}/v${PINNED.cli}?platform=${platform()}&arch=${ARCHITECTURE}`;
}

/** Undefined if the archive can be had, else the reason; gives up after 5 s. */
export async function whyUnreachable(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
    return response.ok ? undefined : `${url} answered ${response.status}`;
  } catch (error) {
    return `${new URL(url).host} cannot be reached (${reason(error)})`;
  }
}

/** Downloads the archive and leaves its `temporal` program at `target`. */
export async function downloadTemporal(
  url: string,
  target: string,
  say: (line: string) => void,
): Promise<void> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  const folder = await mkdtemp(join(dirname(target), 'download-'));
  const archive = join(folder, 'temporal.tar.gz');
  const progress = setInterval(() => say(`downloading Temporal: ${megabytes(bytes)} MB so far`), 10_000);
  let bytes = 0;
  try {
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    body.on('data', (chunk: Uint8Array) => (bytes += chunk.length));
    await pipeline(body, createWriteStream(archive));
    await run('tar', ['-xzf', archive, '-C', folder, 'temporal']);
    await rename(join(folder, 'temporal'), target);
  } finally {
    clearInterval(progress);
    await rm(folder, { recursive: true, force: true });
  }
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);

/** `fetch failed` alone says nothing: the cause has the code. */
function reason(error: unknown): string {
  const cause = (error as { cause?: { code?: string } }).cause;
  return cause?.code ?? (error instanceof Error ? error.message : String(error));
}
