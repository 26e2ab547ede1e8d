import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { arch, homedir, platform } from 'node:os';
import { join, resolve } from 'node:path';
import { waitForLock } from '../../../embedded/stack/leftovers/exclusive-lock.js';
import { findOnPath } from '../../../embedded/stack/servers/find-on-path.js';

const PROGRESS_MS = 10_000;

/** A program of somebody else in its cache folder, or why it cannot be had on this machine. */
export type ForeignTool = { folder: string } | { missing: string };

/** This machine lacks what a tool needs; its tests are skipped, with this message as the reason. */
export class ToolMissing extends Error {}

/** Where this project keeps what defines its foreign tools. */
export const TOOLS = resolve('test/conformance/tools');

/**
 * The folder that `make` fills once for each content of the `pinned` files and kind of machine, shared by all
 * checkouts. It is filled under a temporary name and renamed, by one process at a time.
 */
export async function foreignTool(
  name: string,
  pinned: string[],
  make: (folder: string) => Promise<void>,
): Promise<ForeignTool> {
  const parent = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'holdfast', 'tools');
  const key = `${name}-${fingerprint(pinned)}-${platform()}-${arch()}`;
  const folder = join(parent, key);
  if (existsSync(folder)) return { folder };
  await mkdir(parent, { recursive: true });
  const lock = await waitForLock(join(parent, `${key}.lock`), (pid) =>
    say(`another process (pid ${pid}) is already making ${name}, waiting for it`),
  );
  const temporary = `${folder}.${process.pid}.tmp`;
  try {
    if (existsSync(folder)) return { folder };
    await make(temporary);
    await rename(temporary, folder);
    return { folder };
  } catch (error) {
    if (error instanceof ToolMissing) return { missing: error.message };
    throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
    lock.release();
  }
}

function fingerprint(files: string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(TOOLS, file)));
  return hash.digest('hex').slice(0, 12);
}

/** A program on PATH; without it the tool is missing. */
export function needed(program: string): string {
  const found = findOnPath(program);
  if (!found) throw new ToolMissing(`no ${program} on PATH`);
  return found;
}

/** Runs a step of making a tool and tells every 10 s how long it has taken. A failure is an error of `kind`. */
export async function step(
  what: string,
  [program, ...args]: [string, ...string[]],
  { cwd = TOOLS, kind = Error }: { cwd?: string; kind?: new (message: string) => Error } = {},
): Promise<void> {
  const started = Date.now();
  const seconds = (): number => Math.round((Date.now() - started) / 1000);
  const progress = setInterval(() => say(`${what}, ${seconds()} s so far`), PROGRESS_MS);
  try {
    const { code, output } = await runProgram(program, args, { cwd });
    if (code !== 0) throw new kind(`${what} failed: ${output.trim().split('\n').slice(-5).join('; ')}`);
  } finally {
    clearInterval(progress);
  }
}

/** Runs a program with `input` as what is typed to its end; `output` is what it wrote, its messages included. */
export async function runProgram(
  program: string,
  args: string[],
  { input = '', ...options }: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, { stdio: 'pipe', ...options });
  // A program that reads nothing may have closed its end already.
  child.stdin.on('error', () => undefined).end(input);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** Shown at once by `npm test`, which keeps other output until a ring fails. */
function say(line: string): void {
  process.stderr.write(`progress: ${line}\n`);
}

/** A group of tests that is skipped, with the reason, where the tool cannot be had. */
export function describeWith(title: string, tool: ForeignTool, tests: (folder: string) => void): void {
  if ('folder' in tool) {
    describe(title, () => tests(tool.folder));
    return;
  }
  say(`${title} is skipped: ${tool.missing}`);
  describe(title, () => it.skip(`needs a tool: ${tool.missing}`, () => undefined));
}
