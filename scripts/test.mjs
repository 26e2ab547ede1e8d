// `npm test`: every ring against real processes. Ends with one line `N passed, N failed`, and names the rings that
// failed above it. `npm test -- unit crash` runs only these rings.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jestCounts } from './jest-counts.mjs';
import { execute, FIGURES, hasTemporal, runJest } from './ring-run.mjs';

const HEARTBEAT_MS = 15_000;
/** Rings that jest runs; `layers` is jest's project `lint`, whose name the linters have here. */
const JEST_RINGS = ['unit', 'embedded', 'layers', 'replay', 'integration', 'conformance', 'crash'];
const PROJECTS = { layers: 'lint' };
/** Needs specification files that are not part of this project (CONFORMANCE_DIR), Python or Go. */
const MAY_BE_SKIPPED = ['conformance'];
const NEED_TEMPORAL = ['integration', 'conformance', 'crash'];

const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
const rings = [
  { name: 'lint', run: () => command('npm', ['run', '--silent', 'lint']) },
  { name: 'typecheck', run: () => command('npm', ['run', '--silent', 'typecheck']) },
  ...JEST_RINGS.map((name) => ({ name, run: () => jest(PROJECTS[name] ?? name) })),
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !rings.some((ring) => ring.name === name));
if (unknown.length > 0) {
  console.error(
    `expected rings among ${rings.map(({ name }) => name).join(', ')}, got ${unknown.join(', ')}`,
  );
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
const failedRings = [];
const selected = rings.filter(({ name }) => asked.length === 0 || asked.includes(name));
for (const ring of selected) await runRing(ring);
rmSync(folder, { recursive: true, force: true });

if (failedRings.length > 0) console.log(`\nfailed: ${failedRings.join(', ')}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed > 0 ? 1 : 0);

async function runRing({ name, run }) {
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  const heartbeat = setInterval(
    () => console.log(`${name.padEnd(13)}still running, ${seconds()}`),
    HEARTBEAT_MS,
  );
  const { passed, failed, skipped, output, note, leftOpen } = await run();
  clearInterval(heartbeat);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  if (failed > 0) {
    failedRings.push(name);
    console.log(`\n${output.trimEnd()}\n`);
  }
  for (const line of (output ?? '').split('\n')) if (line.startsWith(FIGURES)) console.log(`  ${line}`);
  console.log(`${name.padEnd(13)}${(note ?? counts).padEnd(42)}${seconds().padStart(9)}`);
  if (leftOpen)
    console.log('  jest had to be ended: a test left something open (jest --detectOpenHandles names it)');
}

/** A command that passes or fails as a whole. */
async function command(program, args) {
  const { code, output } = await execute(program, args);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, output };
}

async function jest(project) {
  if (NEED_TEMPORAL.includes(project) && !(await hasTemporal())) {
    const output = 'Temporal could not be had: npm run doctor tells why.';
    return { passed: 0, failed: 1, skipped: 0, output };
  }
  const file = join(folder, `${project}.json`);
  const { code, output, leftOpen } = await runJest(file, ['--selectProjects', project, '--passWithNoTests']);
  return { ...jestCounts(file, code, MAY_BE_SKIPPED.includes(project)), output, leftOpen };
}
