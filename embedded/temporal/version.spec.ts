import { compareVersions, parseTemporalVersion } from './version.js';

describe('Temporal versions', () => {
  it('reads the version line of a release and of a build from source', () => {
    expect(parseTemporalVersion('temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)\n')).toEqual({
      cli: '1.9.1',
      server: '1.32.0',
    });
    expect(parseTemporalVersion('temporal version 0.0.0-DEV (Server 1.32.0, UI 2.54.1)')?.server).toBe(
      '1.32.0',
    );
  });

  it('takes no other program for Temporal', () => {
    expect(parseTemporalVersion('tctl version 1.18.0')).toBeUndefined();
    expect(parseTemporalVersion('')).toBeUndefined();
  });

  it('compares by number, not by text', () => {
    expect(compareVersions('1.9.1', '1.32.0')).toBeLessThan(0);
    expect(compareVersions('1.32.0', '1.32.0')).toBe(0);
    expect(compareVersions('2.0.0', '1.99.9')).toBeGreaterThan(0);
    expect(compareVersions('v1.32.1', '1.32.0')).toBeGreaterThan(0);
  });

  it('puts a pre-release before its release', () => {
    expect(compareVersions('1.32.0-rc.1', '1.32.0')).toBeLessThan(0);
    expect(compareVersions('1.32.0-rc.1', '1.31.9')).toBeGreaterThan(0);
    expect(compareVersions('1.32.0-rc.1', '1.32.0-rc.2')).toBeLessThan(0);
  });
});
