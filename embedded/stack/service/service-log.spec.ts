import { closeSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceLog } from './service-log.js';

describe('the log of a service', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'holdfast-log-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('shows the last lines of the running process only', () => {
    const log = new ServiceLog(join(folder, 'api.log'));
    const first = log.open();
    writeSync(first, 'of the first run\n');
    closeSync(first);
    const second = log.open();
    for (let n = 1; n <= 40; n++) writeSync(second, `line ${n}\n`);
    closeSync(second);
    expect(log.tail(3)).toEqual(['line 38', 'line 39', 'line 40']);
    expect(log.tail(100)).toHaveLength(40);
  });

  it('keeps five files at most, the newest lines in the first', () => {
    const log = new ServiceLog(join(folder, 'api.log'));
    const descriptor = log.open();
    for (let n = 1; n <= 8; n++) {
      writeSync(descriptor, `part ${n}\n`);
      log.rotate(1);
    }
    writeSync(descriptor, 'after\n');
    closeSync(descriptor);
    expect(readdirSync(folder).sort()).toEqual(['api.log', ...[1, 2, 3, 4].map((n) => `api.log.${n}`)]);
    expect(readFileSync(join(folder, 'api.log'), 'utf8')).toBe('after\n');
    expect(readFileSync(join(folder, 'api.log.1'), 'utf8')).toBe('part 8\n');
    expect(readFileSync(join(folder, 'api.log.4'), 'utf8')).toBe('part 5\n');
  });
});
