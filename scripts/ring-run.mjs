// Runs a command, or jest over some tests, as `npm test` and `npm run acceptance` both need it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What jest says when all tests are over and something of theirs keeps it from exiting. */
const STILL_OPEN = 'did not exit one second after';
const EXIT_GRACE_MS = 15_000;
/** Lines of tests that are worth seeing when they pass. */
export const FIGURES = 'figures: ';
/** Lines that are shown as soon as they are written: what takes long the first time, and why something is skipped. */
const PROGRESS = 'progress: ';
/** Tests bring their own servers: what a person has set for `npm start` must not reach them. */
const NOT_FOR_TESTS = /^(MONGODB_|TEMPORAL_|WEBHOOK_|API_|WORKER_|HOLDFAST_(DATA_DIR|.*_PORT|.*_KEY)$)/;

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_FOR_TESTS.test(name)));
let temporal;

/**
 * Jest with its JSON report in `file`. One that a test keeps from exiting is ended after a while: then the report is what
 * counts, and `leftOpen` tells.
 * @returns its exit code and all it printed
 */
export async function runJest(file, args) {
  const run = await execute(process.execPath, [
    ...[
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
    ],
    ...['--ci', '--json', '--outputFile', file, ...args],
  ]);
  if (!run.leftOpen) return run;
  return { ...run, code: JSON.parse(readFileSync(file, 'utf8')).success ? 0 : 1 };
}

/** Finds the Temporal program before a test waits for it: the first build takes minutes. Runs once. */
export function hasTemporal() {
  temporal ??= new Promise((resolve) => {
    const setup = spawn(process.execPath, ['dist/embedded/stack/setup.js'], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    setup.once('close', (code) => resolve(code === 0));
  });
  return temporal;
}

export function execute(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let leftOpen = false;
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => {
      output += chunk;
      for (const line of String(chunk).split('\n')) if (line.startsWith(PROGRESS)) console.log(`  ${line}`);
      if (String(chunk).includes(STILL_OPEN)) setTimeout(end, EXIT_GRACE_MS).unref();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, leftOpen }));
    function end() {
      leftOpen = child.kill('SIGKILL');
    }
  });
}
