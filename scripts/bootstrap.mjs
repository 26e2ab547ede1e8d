// Makes `npm start`, `npm test`, `npm run setup` and `npm run doctor` work on a fresh clone: installs packages if
// the lock asks for others than are there, builds what changed, and goes on under the Node that package.json
// pins. Has no dependencies and runs under Node 18.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchParents } from './parent-watch.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, 'node_modules', '.bin');
const TARGETS = {
  start: 'dist/embedded/start.js',
  setup: 'dist/embedded/stack/setup.js',
  doctor: 'dist/embedded/stack/doctor.js',
  test: 'scripts/test.mjs',
  acceptance: 'scripts/acceptance.mjs',
  'bench:webhooks': 'dist/bench/webhooks/webhooks.bench.js',
  'bench:fan-out': 'dist/bench/webhooks/fan-out.bench.js',
  'bench:endpoints': 'dist/bench/webhooks/endpoints.bench.js',
  'bench:lists': 'dist/bench/webhooks/lists.bench.js',
  'bench:growth': 'dist/bench/webhooks/growth.bench.js',
  'bench:shapes': 'dist/bench/webhooks/shapes.bench.js',
  'bench:isolation': 'dist/bench/webhooks/isolation.bench.js',
  'bench:mongodb': 'dist/bench/embedded/embedded.bench.js',
  'torture:mongodb': 'dist/test/crash/embedded-mongodb/torture.js',
  'fuzz:mongodb': 'dist/test/crash/embedded-mongodb/fuzz.js',
  'crash:webhooks': 'dist/test/crash/webhooks/crash-webhooks.js',
  'test:schemathesis': 'dist/test/conformance/tools/schemathesis/schemathesis.js',
};
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const [name = '', ...args] = process.argv.slice(2);
const target = TARGETS[name];
if (!target) fail(`expected one of ${Object.keys(TARGETS).join(', ')}, got '${name}'`);

const startedAt = Date.now();
process.chdir(ROOT);
// Running needs a third of the packages that tests need (the compiler comes with the Temporal worker).
const omit = ['test', 'acceptance'].includes(name) ? [] : ['--omit=dev'];
if (!isInstalled()) await step('Installing packages', [...npm(), 'ci', '--loglevel=error', ...omit]);
const node = pinnedNode();
await step('Building', [node, 'scripts/build.mjs']);

const path = [BIN, process.env.PATH].join(delimiter);
const env = { ...process.env, PATH: path, HOLDFAST_STARTED_AT: String(startedAt) };
// The channel closes when we die, even of kill -9: by that the target knows.
const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
const { code, signal } = await run([node, target, ...args], { stdio, env });
if (signal) process.kill(process.pid, signal);
process.exit(code ?? 1);

/** npm's own record of what it installed, compared with the lock; builds for other platforms are never there. */
function isInstalled() {
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const record = join('node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = read(record);
  return Object.entries(read('package-lock.json')).every(
    ([path, { version, optional, dev }]) =>
      path === '' ||
      (dev && omit.length > 0) ||
      (installed[path] ? installed[path].version === version : optional === true),
  );
}

/** npm as a command: the one that runs us, else the one on PATH. */
function npm() {
  const running = process.env.npm_execpath ?? '';
  return running.endsWith('npm-cli.js') ? [process.execPath, running] : ['npm'];
}

/** The `node` package brings Node 24; where its install script was not allowed, a Node that is new enough will do. */
function pinnedNode() {
  const pinned = join(BIN, 'node');
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(
    `Node 24 is needed, this is ${process.version}, and the install script of the package 'node' did not run.\n` +
      "Allow it (npm config get ignore-scripts should say 'false'), delete node_modules and try again,\n" +
      'or install Node 24.',
  );
}

/** Runs a command with its output held back; shows the elapsed time if it takes longer than two seconds. */
async function step(title, command) {
  const started = Date.now();
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1);
  const live = process.stderr.isTTY;
  let shown = false;
  const show = () => {
    process.stderr.write(live ? `\r${title} ... ${seconds()} s` : shown ? '' : `${title} ...\n`);
    shown = true;
  };
  const first = setTimeout(show, title.startsWith('Installing') ? 0 : 2_000);
  const tick = live ? setInterval(() => shown && show(), 500) : undefined;
  const env = { ...process.env, PATH: withoutBin(process.env.PATH ?? '') };
  const { code, signal, output } = await run(command, { stdio: ['ignore', 'pipe', 'pipe'], env });
  clearTimeout(first);
  clearInterval(tick);
  if (shown) process.stderr.write(`${live ? '\r' : ''}${title}: ${seconds()} s     \n`);
  if (code === 0) return;
  if (signal) process.kill(process.pid, signal);
  fail(`${title} failed (${command.slice(1).join(' ')} ended with ${code ?? signal}):\n${output}`);
}

/** npm replaces node_modules/.bin while it installs, so nothing that it starts may depend on it. */
function withoutBin(path) {
  return path
    .split(delimiter)
    .filter((folder) => folder !== BIN)
    .join(delimiter);
}

/**
 * Signals are passed on: the child may get Ctrl-C twice (terminal and here), and counts that as once. The end of npm is
 * one too.
 */
function run([command, ...rest], options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, options);
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    const forward = (signal) => child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, forward);
    const unwatch = watchParents(() => forward('SIGTERM'));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      unwatch();
      for (const each of SIGNALS) process.off(each, forward);
      resolve({ code, signal, output });
    });
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
