import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Run {
  file?: string;
  only?: string;
  command?: string;
  evidence?: RegExp;
}
interface Line {
  id: string;
  shows: string;
  run: Run[];
}

const FOLDER = join(process.cwd(), 'test/acceptance');
const tables = readdirSync(FOLDER).filter((file) => file.endsWith('.mjs'));
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const linesOf = async (table: string) => ((await import(join(FOLDER, table))) as { default: Line[] }).default;

/** What is wrong with what a line runs; null when it can be run. */
function fault({ file, only, command, evidence }: Run): string | null {
  if (command !== undefined)
    return scripts[command] !== undefined && evidence instanceof RegExp ? null : `command ${command}`;
  if (file === undefined || !existsSync(file)) return `no file ${file}`;
  return new RegExp(only ?? '', 'im').test(titles(file)) ? null : `${file} has no test like ${only}`;
}

/** The titles of a test file, one a line. */
const titles = (file: string): string =>
  [...readFileSync(file, 'utf8').matchAll(/'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`/g)]
    .map(([, quoted, template]) => quoted ?? template)
    .join('\n');

describe('the acceptance lists (npm run acceptance)', () => {
  it.each(tables)('%s names tests and commands that exist, each line once, in order', async (table) => {
    const lines = await linesOf(table);
    const numbers = lines.map(({ id }) => Number(id.slice(1)));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(lines.filter(({ shows, run }) => shows === '' || run.length === 0)).toEqual([]);
    expect(lines.flatMap(({ run }) => run.map(fault)).filter((one) => one !== null)).toEqual([]);
  });

  it('negative control: a test that is not there is found out', () => {
    const file = 'test/lint/acceptance.test.ts';
    expect(fault({ file, only: 'is found out' })).toBeNull();
    expect(fault({ file, only: ['nobody', 'wrote this'].join(' ') })).not.toBeNull();
    expect(fault({ file: 'test/lint/none.test.ts' })).not.toBeNull();
    expect(fault({ command: 'none', evidence: /x/ })).not.toBeNull();
  });
});
