import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findOnPath } from '../stack/servers/find-on-path.js';
import { projectRoot } from '../stack/project-root.js';
import type { Inspection } from '../stack/servers/resolution.js';
import { compareVersions, PINNED } from './version.js';

const run = promisify(execFile);
const PACKAGE = 'github.com/temporalio/cli';
/** Go fetches the toolchain that go.mod names by itself from this version on. */
const OLDEST_GO = '1.21.0';
/** Measured: 3.5 minutes on 2 cores with an empty build cache. */
const CORE_MINUTES = 7;

/** Whether this machine can build Temporal, and how long that may take. */
export async function inspectGo(): Promise<Inspection> {
  const go = findOnPath('go');
  if (!go) return { usable: false, why: 'no go on PATH' };
  const { stdout } = await run(go, ['env', 'GOVERSION']);
  const version = stdout.trim().replace(/^go/, '');
  if (compareVersions(version, OLDEST_GO) < 0)
    return { usable: false, why: `${go} is ${version}, expected ${OLDEST_GO} or newer` };
  return { usable: true, what: `go ${version}: a build from source, ${estimate()} the first time` };
}

/** Builds the pinned module; tells the elapsed time every 10 s. */
export async function buildTemporal(target: string, say: (line: string) => void): Promise<void> {
  const ldflags = `-s -w -X ${PACKAGE}/internal/temporalcli.Version=${PINNED.cli}`;
  say(`building Temporal ${PINNED.cli} from source, ${estimate()}; only the first time`);
  const started = Date.now();
  const build = spawn(
    'go',
    ['build', '-trimpath', '-ldflags', ldflags, '-o', target, `${PACKAGE}/cmd/temporal`],
    { cwd: join(projectRoot(), 'embedded', 'temporal'), stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  build.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4_000)));
  const progress = setInterval(() => say(`still building Temporal, ${seconds(started)} s so far`), 10_000);
  try {
    const [code] = (await once(build, 'close')) as [number | null];
    if (code !== 0) throw new Error(`go build ended with ${code}:\n${output.trim()}`);
    say(`built Temporal in ${seconds(started)} s`);
  } finally {
    clearInterval(progress);
    build.kill();
  }
}

function estimate(): string {
  const minutes = Math.ceil(CORE_MINUTES / cpus().length);
  return `about ${minutes} minute${minutes === 1 ? '' : 's'} on ${cpus().length} cores`;
}

const seconds = (since: number) => Math.round((Date.now() - since) / 1000);
