// Compiles what runs: src/, cli/, embedded/, benchmarks and torture with swc, then the Temporal workflow bundle. Only
// files that changed since the last build are compiled; outputs whose source is gone are removed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

const STAMP = 'dist/.build.json';
const BUNDLER = 'dist/src/workers/bundle.js';
const BUNDLE = 'dist/workflow-bundle.js';
const BUNDLED = ['src/workflows', 'src/contracts', 'src/domain', 'src/workers/bundle.ts'];
const TREES = [
  { from: 'src', to: 'dist/src' },
  { from: 'cli', to: 'dist/cli' },
  { from: 'bench', to: 'dist/bench' },
  { from: 'embedded/start.ts', to: 'dist/embedded/start.js' },
  { from: 'embedded/stack', to: 'dist/embedded/stack' },
  { from: 'embedded/temporal', to: 'dist/embedded/temporal' },
  { from: 'embedded/mongodb/src', to: 'embedded/mongodb/dist' },
  { from: 'test/crash', to: 'dist/test/crash' },
  { from: 'test/conformance/tools', to: 'dist/test/conformance/tools' },
  { from: 'test/integration/embedded-mongodb', to: 'dist/test/integration/embedded-mongodb' },
  { from: 'test/support', to: 'dist/test/support' },
];

const sources = TREES.flatMap(({ from, to }) =>
  compilable(from).map((file) => [file, output(file, from, to)]),
);
const signatures = Object.fromEntries(sources.map(([file]) => [file, signature(file)]));
const toolchain = hash(
  ['.swcrc', 'scripts/build.mjs', 'package-lock.json'].map((file) => readFileSync(file)),
);
const bundled = hash(BUNDLED.flatMap(compilable).map((file) => `${file} ${signatures[file]}`));
const last = readStamp();

const changed = sources.filter(([file, to]) => last.files[file] !== signatures[file] || !existsSync(to));
removeStale();
if (changed.length > 0) await compile(changed);
writeStamp(last.bundled);
if (existsSync(BUNDLER) && (last.bundled !== bundled || !existsSync(BUNDLE)))
  execFileSync(process.execPath, [BUNDLER], { stdio: ['ignore', 'ignore', 'pipe'] });
writeStamp(bundled);

function compilable(tree) {
  if (!existsSync(tree)) return [];
  if (!statSync(tree).isDirectory()) return [tree];
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.spec|\.test|\.fixture|\.d)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function output(file, from, to) {
  return file === from ? to : join(to, relative(from, file)).replace(/\.ts$/, '.js');
}

function signature(file) {
  const { mtimeMs, size } = statSync(file);
  return `${mtimeMs} ${size}`;
}

function hash(parts) {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part).update('\0');
  return digest.digest('hex');
}

/** What the last build did; nothing if it used another compiler or other settings. */
function readStamp() {
  const none = { files: {}, outputs: [], bundled: '' };
  try {
    const stamp = JSON.parse(readFileSync(STAMP, 'utf8'));
    return stamp.toolchain === toolchain ? stamp : { ...none, outputs: stamp.outputs };
  } catch {
    return none;
  }
}

function writeStamp(bundledNow) {
  const outputs = sources.map(([, to]) => to);
  mkdirSync('dist', { recursive: true });
  writeFileSync(STAMP, JSON.stringify({ toolchain, files: signatures, outputs, bundled: bundledNow }));
}

function removeStale() {
  const kept = new Set(sources.map(([, to]) => to));
  for (const file of last.outputs)
    if (!kept.has(file)) for (const stale of [file, `${file}.map`]) rmSync(stale, { force: true });
}

async function compile(files) {
  const { transformFile } = await import('@swc/core');
  const options = JSON.parse(readFileSync('.swcrc', 'utf8'));
  delete options.$schema;
  delete options.exclude;
  for (const [, to] of files) mkdirSync(dirname(to), { recursive: true });
  await Promise.all(
    files.map(async ([file, to]) => {
      const name = relative(dirname(to), file);
      const { code, map } = await transformFile(file, { ...options, swcrc: false, sourceFileName: name });
      writeFileSync(to, `${code}//# sourceMappingURL=${basename(to)}.map\n`);
      if (map) writeFileSync(`${to}.map`, map);
    }),
  );
  console.error(`compiled ${files.length} files`);
}
