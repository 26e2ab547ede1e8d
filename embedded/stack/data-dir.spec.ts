import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataDir } from './data-dir.js';

describe('the data directory', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'holdfast-data-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made with its format, readable by its owner only', () => {
    const data = new DataDir(join(folder, 'new'));
    expect(readFileSync(join(data.root, 'format'), 'utf8')).toBe('1\n');
    expect(statSync(data.root).mode & 0o777).toBe(0o700);
  });

  it('is opened again', () => {
    new DataDir(join(folder, 'new'));
    expect(() => new DataDir(join(folder, 'new'))).not.toThrow();
  });

  it('of a newer version is refused', () => {
    writeFileSync(join(folder, 'format'), '2\n');
    expect(() => new DataDir(folder)).toThrow('written by a newer Holdfast (format 2, this one knows 1)');
  });

  it('is never made in a folder of something else', () => {
    writeFileSync(join(folder, 'thesis.tex'), '');
    expect(() => new DataDir(folder)).toThrow('found thesis.tex in it');
  });
});
