// `npm run test:conformance:mongodb`: MongoDB's own specification tests against the embedded server. Prints a table
// and why each test was refused, skipped or failed. `npm run test:conformance:mongodb -- transactions` runs only
// these folders; those outside the server's scope (sessions, transactions, change-streams, gridfs, ...) run only so.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TESTS = 'test/conformance/mongodb/';
const COLUMNS = ['run', 'passed', 'refused', 'skipped', 'failed'];

const asked = process.argv.slice(2);
const reports = mkdtempSync(join(tmpdir(), 'holdfast-conformance-report-'));
const code = await jest(asked.length > 0 ? `${TESTS}by-name` : TESTS);
const folders = readdirSync(reports).map((file) => JSON.parse(readFileSync(join(reports, file), 'utf8')));
rmSync(reports, { recursive: true });

for (const status of ['skipped', 'refused', 'failed']) printReasons(status);
printTable();
process.exit(code);

function jest(pattern) {
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const args = ['node_modules/jest/bin/jest.js', pattern, '--selectProjects', 'conformance', '--silent'];
  const env = {
    ...process.env,
    CONFORMANCE_REPORT_DIR: reports,
    ...(asked.length > 0 && { CONFORMANCE_FOLDERS: asked.join(',') }),
  };
  return new Promise((resolve) => {
    spawn(process.execPath, [...node, ...args], { env, stdio: 'inherit' }).once('close', (status) =>
      resolve(status ?? 1),
    );
  });
}

/** Tests of one reason on one line: the reason, how many, and which when they are few. */
function printReasons(status) {
  const byReason = Map.groupBy(
    folders.flat().filter((result) => result.status === status),
    ({ reason }) => reason,
  );
  if (byReason.size > 0) console.log(`\n${status}:`);
  for (const [reason, results] of byReason) {
    const names = results.map(({ folder, file, test }) => `${folder}/${file}: ${test}`);
    const shown = status === 'skipped' ? '' : names.map((name) => `\n      ${name}`).join('');
    console.log(`  ${String(results.length).padStart(4)}  ${reason}${shown}`);
  }
}

function printTable() {
  const width = Math.max(...folders.map(([first]) => first.folder.length), 'folder'.length) + 2;
  const line = (title, cells) => title.padEnd(width) + cells.map((cell) => String(cell).padStart(9)).join('');
  const row = (title, results) => {
    const count = (status) => results.filter((result) => result.status === status).length;
    console.log(line(title, [results.length - count('skipped'), ...COLUMNS.slice(1).map(count)]));
  };
  console.log(`\n${line('folder', COLUMNS)}`);
  for (const results of folders) row(results[0].folder, results);
  row('all', folders.flat());
}
