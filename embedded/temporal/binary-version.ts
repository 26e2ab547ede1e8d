import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseTemporalVersion, type TemporalVersion } from './version.js';

const run = promisify(execFile);

/** Runs `<binary> --version`. Throws if it does not run within 10 s or is not the Temporal CLI. */
export async function binaryVersion(binary: string): Promise<TemporalVersion> {
  const { stdout } = await run(binary, ['--version'], { timeout: 10_000 });
  const version = parseTemporalVersion(stdout);
  if (!version)
    throw new Error(`expected 'temporal version ...' from ${binary} --version, got '${stdout.trim()}'`);
  return version;
}
