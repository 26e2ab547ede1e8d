import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { arch, homedir, platform } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { waitForLock } from '../stack/leftovers/exclusive-lock.js';
import { binaryVersion } from './binary-version.js';
import { compareVersions, PINNED } from './version.js';

/** Go's names for the processors that Temporal is published for. */
export const ARCHITECTURE = arch() === 'x64' ? 'amd64' : arch();

/** Folder of the pinned binary: one per version and machine type, shared by all checkouts. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const base = env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'holdfast', 'temporal', `${PINNED.cli}-${platform()}-${ARCHITECTURE}`);
}

/** The cached binary if it is there and its SHA-256 is the recorded one; else why it is not used. */
export async function inspectCache(folder: string): Promise<{ binary: string } | { why: string }> {
  const binary = join(folder, 'temporal');
  if (!existsSync(binary)) return { why: `no ${binary}` };
  const recorded = await readFile(`${binary}.sha256`, 'utf8').catch(() => '');
  if ((await sha256(binary)) !== recorded.trim()) return { why: `${binary} does not match its .sha256 file` };
  return { binary };
}

/**
 * Lets `make` write a new binary to a temporary name, runs it, and moves it into the cache. One process at a
 * time: a second one waits and then takes what the first one made.
 */
export async function fillCache(
  folder: string,
  say: (line: string) => void,
  make: (target: string) => Promise<void>,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const lock = await waitForLock(join(folder, 'lock'), (pid) =>
    say(`another process (pid ${pid}) is already fetching Temporal, waiting for it`),
  );
  const temporary = join(folder, `temporal.${process.pid}.tmp`);
  try {
    const made = await inspectCache(folder);
    if ('binary' in made) return made.binary;
    await make(temporary);
    await chmod(temporary, 0o755);
    const { server } = await binaryVersion(temporary);
    if (compareVersions(server, PINNED.server) !== 0)
      throw new Error(`expected Temporal Server ${PINNED.server}, got ${server}`);
    const binary = join(folder, 'temporal');
    await writeFile(`${binary}.sha256`, `${await sha256(temporary)}\n`);
    await rename(temporary, binary);
    return binary;
  } finally {
    await rm(temporary, { force: true });
    lock.release();
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
