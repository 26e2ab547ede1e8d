import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { liveMiBOf, probedEnv } from '../support/live-memory.js';
import { runningStack } from '../support/running-stack.js';
import { until } from '../support/until.js';
import { hostileReceivers } from './raw-receiver.js';

jest.setTimeout(900_000);

/** Caches fill in the first round; the least that the others read of the two long answers is 30 MiB. */
const ROUNDS = 4;
const ROUND_MS = 180_000;
const MESSAGES = 80;
/** What may be alive after the last round more than after the first, in MiB: retry workflows that Temporal caches. */
const BOUND_MIB = 16;
/** Longest try, in ms; it is spent with those that never come to an end. */
const TRY_MS = { quick: 20_000, slow: 1000 };
const READINGS = { count: 10, everyMs: 200 };
const MIB = 2 ** 20;

describe('a worker', () => {
  it('keeps its memory, and its other receivers, while several answer without end, too much, too slowly or not at all', async () => {
    const { liveMiB, poured } = await hostileRun();
    expect(liveMiB.at(-1)! - liveMiB[0]!).toBeLessThan(BOUND_MIB);
    // Each was cut off early: of answers of a GiB and more, what fits into the buffers on the way was written.
    expect(poured).toBeLessThan(3 * ROUNDS * MESSAGES * 8 * MIB);
  });

  it('that kept what it reads of their answers would be found: the negative control', async () => {
    const { liveMiB } = await hostileRun('test/support/hoard-answers.mjs');
    expect(liveMiB.at(-1)! - liveMiB[0]!).toBeGreaterThan(BOUND_MIB);
  });
});

/** @returns what is alive in the worker after each round, and the bytes it was sent */
async function hostileRun(...preloads: string[]): Promise<{ liveMiB: number[]; poured: number }> {
  const probes = mkdtempSync(join(tmpdir(), 'holdfast-probe-'));
  const running = await runningStack(probedEnv(probes, ...preloads));
  const receivers = await hostileReceivers();
  const quick = [receivers.endless, receivers.huge, receivers.headers];
  const slow = [receivers.slow, receivers.hung];
  try {
    const { api, sink, stack } = running;
    const { app } = await api.target(`${sink.url}/healthy`);
    /** An endpoint without a breaker, so that every message is tried. */
    const endpoint = async (url: string, timeoutMs: number) => {
      const made = await api.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, { url });
      const path = `/api/v1/app/${app}/endpoint/${made.body.id}/policy`;
      const policy = { breaker: 'off', timeoutMs, retrySchedule: [3600] };
      expect((await api.call('PUT', path, { body: policy })).status).toBe(200);
    };
    for (const { url } of quick) await endpoint(url, TRY_MS.quick);
    for (const { url } of slow) await endpoint(url, TRY_MS.slow);

    const items = Array.from({ length: MESSAGES }, (_, n) => ({ eventType: 'hostile.test', payload: { n } }));
    const liveMiB: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      expect((await api.post(`/api/v1/app/${app}/msg/batch`, { items })).status).toBe(202);
      const tried = () => ({
        healthy: sink.arrivals.length,
        quick: Math.min(...quick.map(({ requests }) => requests)),
        slow: Math.min(...slow.map(({ requests }) => requests)),
      });
      await until(
        async () => tried(),
        (now) => Math.min(now.healthy, now.quick) >= round * MESSAGES && now.slow >= round * 5,
        ROUND_MS,
      );
      liveMiB.push(await settledMiB(probes, stack.pids()['worker']!));
    }
    const poured = quick.reduce((sum, { written }) => sum + written, 0);
    process.stderr.write(
      `figures: ${preloads.length > 0 ? 'hoarding: ' : ''}alive in the worker after each round: ${liveMiB.join(', ')} MiB; ` +
        `${quick.map(({ requests }) => requests).join('+')} answers without end wrote ${Math.round(poured / MIB)} MiB, ` +
        `${slow.map(({ requests }) => requests).join('+')} slow and hung\n`,
    );
    return { liveMiB, poured };
  } finally {
    await running.end();
    for (const receiver of Object.values(receivers)) receiver.close();
    rmSync(probes, { recursive: true, force: true });
  }
}

/** The least of some readings: tries that are on their way hold what they read. */
async function settledMiB(probes: string, pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < READINGS.count; n++) {
    least = Math.min(least, await liveMiBOf(probes, pid));
    await delay(READINGS.everyMs);
  }
  return least;
}
