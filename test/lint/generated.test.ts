import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let fresh: string;
beforeAll(() => {
  fresh = mkdtempSync(join(tmpdir(), 'holdfast-docs-'));
  execFileSync(process.execPath, ['dist/src/api/describe.js', fresh]);
}, 30_000);
afterAll(() => rmSync(fresh, { recursive: true, force: true }));

describe('generated files are committed as the code makes them (npm run docs:generate)', () => {
  it.each(['openapi.json', 'docs/errors.md', 'docs/settings.md'])('%s', (file) => {
    expect(readFileSync(file, 'utf8')).toBe(readFileSync(join(fresh, file), 'utf8'));
  });
});

it('no path of the description stands twice under other names of its parameters', () => {
  const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as { paths: object };
  const shapes = Object.keys(paths).map((path) => path.replace(/\{[^}]*\}/g, '{}'));
  expect(shapes.filter((shape, i) => shapes.indexOf(shape) !== i)).toEqual([]);
});
