import { randomBytes } from 'node:crypto';
import { ksuid, ksuidFloor, ksuidTimeMs } from './ksuid.js';

const tail = () => randomBytes(12);

describe('ksuid', () => {
  it('is 27 base62 characters that sort by time below the second', () => {
    const start = Date.UTC(2026, 10, 21);
    const ids = Array.from({ length: 2_000 }, (_, i) => ksuid(start + i, 0, tail()));
    expect(ids.every((id) => /^[0-9A-Za-z]{27}$/.test(id))).toBe(true);
    expect([...ids].sort((a, b) => (a < b ? -1 : 1))).toEqual(ids);
  });

  it('sorts by sequence inside one instant', () => {
    const at = Date.UTC(2026, 10, 21);
    const ids = Array.from({ length: 300 }, (_, i) => ksuid(at, i, tail()));
    expect([...ids].sort((a, b) => (a < b ? -1 : 1))).toEqual(ids);
  });

  it('gives its time back to within a millisecond', () => {
    const at = Date.UTC(2026, 10, 21, 3, 4, 5, 678);
    expect(Math.abs(ksuidTimeMs(ksuid(at, 7, tail())) - at)).toBeLessThan(1);
    expect(ksuidTimeMs('not an id')).toBeNaN();
  });

  it('has a floor at or below every id of its time', () => {
    const at = Date.UTC(2026, 10, 21);
    expect(ksuidFloor(at) <= ksuid(at, 0, tail())).toBe(true);
    expect(ksuidFloor(at + 1) > ksuid(at, 65_535, tail())).toBe(true);
  });

  it('has a floor for times that no id can have', () => {
    expect(ksuidFloor(Date.UTC(1999, 0, 1))).toBe('0'.repeat(27));
    expect(ksuidFloor(Date.UTC(9999, 0, 1)) > ksuid(Date.UTC(2149, 0, 1), 65_535, tail())).toBe(true);
  });

  it('takes the time of any 27 characters, though they hold more than an id can say', () => {
    const beyond = ksuidTimeMs('z'.repeat(27));
    expect(ksuid(beyond, 0, tail()).slice(0, 5)).toBe(ksuidFloor(beyond).slice(0, 5));
  });

  it('encodes the published extremes of the format', () => {
    expect(ksuid(1_400_000_000_000, 0, new Uint8Array(12))).toBe('0'.repeat(27));
  });
});
