import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Result } from './ring.js';

/** Why a test fails, by `folder/file: test`. May only shrink: a test that passes must be taken out. */
const REASONS = JSON.parse(readFileSync('test/conformance/mongodb/expected-failures.json', 'utf8')) as Record<
  string,
  string
>;

/** Makes every result a test of its own: a refused or skipped one is skipped, with its reason in the name. */
export function report(folder: string, results: Result[]): void {
  writeReport(folder, results);
  describe(folder, () => {
    for (const result of results) reportOne(result);
  });
}

function reportOne(result: Result): void {
  const name = `${result.file}: ${result.test}`;
  const known = REASONS[`${result.folder}/${name}`];
  if (result.status === 'skipped' || result.status === 'refused') {
    it.skip(`${name} (${result.status}: ${result.reason})`, () => undefined);
  } else if (known !== undefined && result.status === 'failed') {
    it.skip(`${name} (expected failure: ${known})`, () => undefined);
  } else {
    it(name, () => {
      if (result.error) throw result.error;
      if (known !== undefined)
        throw new Error('expected a failure: delete the test from expected-failures.json');
    });
  }
}

/** For the table of `npm run test:conformance:mongodb`, which runs jest and reads what is written here. */
function writeReport(folder: string, results: Result[]): void {
  const target = process.env['CONFORMANCE_REPORT_DIR'];
  if (!target) return;
  mkdirSync(target, { recursive: true });
  const fields = ['folder', 'file', 'test', 'status', 'reason'];
  writeFileSync(path.join(target, `${folder}.json`), JSON.stringify(results, fields));
}
