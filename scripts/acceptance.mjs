// `npm run acceptance -- webhooks A14`: shows one line of a capability's acceptance list, `-- webhooks` all of them,
// `-- webhooks --list` what there is. Prints the tests that ran with their times and the figures they wrote; ends
// with `A14 PASS`, `A14 FAIL` or, where nothing of it could run here, `A14 SKIP`. Only a PASS of all exits with 0.
//
// The lines stand in test/acceptance/<capability>.mjs as `{ id, shows, run: [...] }`; a run is a test file and, where
// only some of its tests belong to the line, a pattern (`{ file, only }`), or a command of package.json with the
// lines of its output that are the evidence (`{ command, args, evidence: /.../ }`). A command that exits with 77 could
// not judge here: a benchmark that missed a bound while other processes used the machine.
import { readdirSync, readFileSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execute, FIGURES, hasTemporal, runJest } from './ring-run.mjs';

const TABLES = 'test/acceptance';
const NEED_TEMPORAL = /^test\/(integration|conformance|crash|acceptance)\//;
const HEARTBEAT_MS = 30_000;
const NOT_JUDGED = 77;
const VERDICTS = ['PASS', 'SKIP', 'FAIL'];

const [capability = '', ...asked] = process.argv.slice(2).filter((word) => word !== '--list');
const lines = await table(capability);
const unknown = asked.filter((id) => !lines.some((line) => line.id === id));
if (unknown.length > 0) usage(`${capability} has no line ${unknown.join(', ')}`);
const selected = lines.filter(({ id }) => asked.length === 0 || asked.includes(id));
if (process.argv.includes('--list')) {
  for (const { id, shows } of selected) console.log(`${id.padEnd(4)} ${shows}`);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'holdfast-acceptance-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const verdicts = [];
for (const line of selected) verdicts.push(await show(line));
const count = (verdict) => verdicts.filter((one) => one === verdict).length;
if (verdicts.length > 1) console.log(VERDICTS.map((verdict) => `${count(verdict)} ${verdict}`).join(', '));
process.exit(count('PASS') === verdicts.length ? 0 : 1);

async function table(name) {
  const names = readdirSync(TABLES)
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => basename(file, '.mjs'));
  if (!names.includes(name)) usage(`expected one of ${names.join(', ')}, got '${name}'`);
  return (await import(join(process.cwd(), TABLES, `${name}.mjs`))).default;
}

/** Runs everything of a line, also after a failure: one look tells all that is wrong with it. */
async function show({ id, shows, run }) {
  console.log(`${id}  ${shows}`);
  let verdict = 'PASS';
  for (const each of run) {
    const started = Date.now();
    const heartbeat = setInterval(
      () => console.log(`  still running, ${Math.round((Date.now() - started) / 1000)} s`),
      HEARTBEAT_MS,
    );
    const found = await (each.file === undefined ? runCommand(each) : runTests(each));
    clearInterval(heartbeat);
    verdict = VERDICTS[Math.max(VERDICTS.indexOf(verdict), VERDICTS.indexOf(found))];
  }
  console.log(`${id} ${verdict}\n`);
  return verdict;
}

/** A file of which no test ran shows nothing, however well jest thinks it went. */
async function runTests({ file, only }) {
  if (NEED_TEMPORAL.test(file) && !(await hasTemporal()))
    return failed('Temporal could not be had: npm run doctor');
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const pattern = only === undefined ? [] : ['--testNamePattern', only];
  const { code, output } = await runJest(report, [...pattern, '--runTestsByPath', file]);
  const tests = testsIn(report).filter(({ fullName }) => new RegExp(only ?? '', 'i').test(fullName));
  for (const { status, duration, fullName } of tests)
    console.log(`  ${word(status)} ${((duration ?? 0) / 1000).toFixed(1).padStart(6)} s  ${fullName}`);
  printLines(output, (line) => line.startsWith(FIGURES));
  if (code !== 0 || tests.some(({ status }) => status === 'failed')) return failed(output);
  if (tests.some(({ status }) => status === 'passed')) return 'PASS';
  console.log(`  no test ran: ${file}${only === undefined ? '' : ` (${only})`}`);
  return tests.length === 0 ? 'FAIL' : 'SKIP';
}

function testsIn(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap((file) => file.assertionResults);
  } catch {
    return []; // jest did not come as far as its report
  }
}

function word(status) {
  return (['passed', 'failed'].includes(status) ? status : 'skipped').padEnd(8);
}

async function runCommand({ command, args = [], evidence }) {
  const called = `npm run ${[command, ...(args.length > 0 ? ['--', ...args] : [])].join(' ')}`;
  console.log(`  ${called}`);
  const { code, output } = await execute('npm', ['run', '--silent', command, '--', ...args]);
  const shown = printLines(output, (line) => evidence.test(line));
  if (code === NOT_JUDGED) return 'SKIP';
  if (code !== 0) return failed(output);
  return shown > 0 ? 'PASS' : failed(`${called} printed nothing like ${evidence}`);
}

function printLines(output, wanted) {
  const found = output.split('\n').filter(wanted);
  for (const line of found) console.log(`  ${line}`);
  return found.length;
}

function failed(output) {
  console.log(`\n${output.trimEnd()}\n`);
  return 'FAIL';
}

function usage(message) {
  console.error(`${message}\nnpm run acceptance -- <capability> [line ...] [--list]`);
  process.exit(2);
}
