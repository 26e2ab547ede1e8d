import { barRows, meetsBars } from './bars.js';

const measured = {
  ...{ lost: 0, duplicates: 0, acceptedPerSecond: 1_500, deliveredPerSecond: 1_300 },
  acceptToDeliveredMs: { p50: 2, p95: 9, p99: 20, max: 30 },
};

describe('the bars of the webhook benchmark', () => {
  it('hold while every figure of a load is within its bound', () => {
    expect(meetsBars('64 connections', measured)).toBe(true);
    expect(meetsBars('200/s', measured)).toBe(true);
  });

  it('are missed by a rate or a latency beyond its bound, and by one message lost or delivered twice', () => {
    expect(meetsBars('64 connections', { ...measured, deliveredPerSecond: 1_195 })).toBe(false);
    expect(meetsBars('64 connections', { ...measured, acceptedPerSecond: Number.NaN })).toBe(false);
    const slow = { ...measured.acceptToDeliveredMs, p95: 10.1 };
    expect(meetsBars('200/s', { ...measured, acceptToDeliveredMs: slow })).toBe(false);
    expect(meetsBars('500/s', { ...measured, lost: 1 })).toBe(false);
    expect(meetsBars('500/s', { ...measured, duplicates: 1 })).toBe(false);
  });

  it('are shown beside the figures of others, with a verdict where there is a bound', () => {
    const rows = barRows(new Map([['200/s', measured]]));
    expect(rows).toContainEqual(['200/s', 'accept->delivered p95, ms', '9', '2.4', '53', '<= 10', 'ok']);
    expect(rows).toContainEqual(['200/s', 'accept->delivered p50, ms', '2', '1.7', '30', '', '']);
    expect(rows).toContainEqual(['200/s', 'lost, twice', '0, 0', '', '', '0, 0', 'ok']);
  });
});
