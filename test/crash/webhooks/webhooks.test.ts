import { CRASH_POINTS } from '../../../src/platform/crash-point.js';
import type { CrashPoint } from '../../../src/platform/crash-point.js';
import { crashRun } from './crash-run.js';
import type { CrashReport, Victim } from './crash-run.js';
import { forgottenRows } from './forgotten-rows.js';
import { specialFaults, specialPoints } from './special-points.js';
import { speedRun } from './speed-run.js';
import { twoWorkers } from './two-workers.js';

const MINUTE_MS = 60_000;
const IN_TURN: Victim[] = ['api', 'worker', 'mongodb', 'temporal', 'everything'];

describe('webhooks under kill -9', () => {
  it(
    'nothing that was answered 202 is lost, and every repetition carries the id of its message',
    async () => {
      const report = await crashRun({
        messages: 5_000,
        perSecond: 60,
        kills: [...IN_TURN, ...IN_TURN, ...IN_TURN, ...IN_TURN],
        maxPauseMs: 2_000,
        // A message that became visible late, its accept killed before the delivery rows, is found by the sweeper
        // two minutes after it was made and delivered with the sweep after that.
        drainMs: 4 * MINUTE_MS,
        seed: 20_261_121,
      });
      say('crash ring', report);
      expect(report.accepted).toBe(5_000);
      expect(report.kills).toBeGreaterThanOrEqual(20);
      expect(report.lost).toEqual([]);
      expect(report.unknown).toEqual([]);
    },
    12 * MINUTE_MS,
  );

  it(
    'negative control: the same run loses messages when the accept does not wait for the store',
    async () => {
      const report = await crashRun({
        messages: 4_500,
        perSecond: 150,
        kills: Array.from({ length: 5 }, () => 'everything' as const),
        maxPauseMs: 600,
        // What was answered is not stored just then.
        atAnswers: true,
        drainMs: 30_000,
        seed: 7,
        env: { WEBHOOK_DURABLE_ACCEPT: 'off' },
      });
      say('crash ring, negative control', report);
      const gone = report.storedOfLost.filter(({ message }) => message === null);
      expect(gone.length).toBeGreaterThan(0);
    },
    5 * MINUTE_MS,
  );
});

describe('webhooks under kill -9 at full speed (the long form is npm run crash:webhooks)', () => {
  it(
    'nothing is lost, the order of each FIFO key holds, and the store is sound at the end',
    async () => {
      const { kills, ...report } = await speedRun({
        ...{ kills: IN_TURN.length, messages: 2_500, pauseMs: [200, 1_000], quietMs: 4 * MINUTE_MS },
        seed: 20_261_121,
      });
      const shown = { ...report, kills, lost: report.lost.length };
      process.stderr.write(`figures: crash ring at full speed: ${JSON.stringify(shown)}\n`);
      expect(report).toMatchObject({ accepted: 2_500, lost: [], unknown: 0, inversions: [], stored: [] });
    },
    10 * MINUTE_MS,
  );

  it(
    'what an API forgot that died after its 202 is found by the sweeper',
    async () => {
      const { accepted, lost } = await forgottenRows({ sweeper: 'on' });
      expect(accepted).toBeGreaterThan(0);
      expect(lost).toBe(0);
    },
    5 * MINUTE_MS,
  );

  it(
    'negative control: without the sweeper it is lost',
    async () => {
      expect((await forgottenRows({ sweeper: 'off' })).lost).toBeGreaterThan(0);
    },
    5 * MINUTE_MS,
  );
});

describe('a process that dies at a special point', () => {
  it(
    'loses nothing, at whichever of them: the points are met by processes that really die there',
    async () => {
      const points = Object.keys(CRASH_POINTS) as CrashPoint[];
      const report = await specialPoints({ points, quietMs: 4 * MINUTE_MS });
      process.stderr.write(`figures: special points: ${JSON.stringify(report)}\n`);
      expect(report.points.map(({ point }) => point)).toEqual(points);
      expect(specialFaults(report)).toEqual([]);
    },
    12 * MINUTE_MS,
  );
});

describe('two workers that serve the same lanes without Temporal', () => {
  it(
    'send nothing twice: one of them has the lease',
    async () => {
      const report = await twoWorkers({ leaseCheck: 'on' });
      process.stderr.write(`figures: two workers, leases on: ${JSON.stringify(report)}\n`);
      expect(report).toMatchObject({ lost: 0, overlaps: 0, duplicates: 0 });
      expect(report.accepted).toBeGreaterThan(100);
    },
    3 * MINUTE_MS,
  );

  it(
    'negative control: without the check of the lease they are seen to overlap',
    async () => {
      const report = await twoWorkers({ leaseCheck: 'off' });
      process.stderr.write(`figures: two workers, leases off: ${JSON.stringify(report)}\n`);
      expect(report.overlaps).toBeGreaterThan(0);
      expect(report.duplicates).toBeGreaterThan(0);
    },
    3 * MINUTE_MS,
  );
});

/** The figures, with a few of the lost ids to look for in the logs. */
function say(title: string, report: CrashReport): void {
  const shown = { ...report, lost: report.lost.length, storedOfLost: report.storedOfLost.slice(0, 2) };
  process.stderr.write(`figures: ${title}: ${JSON.stringify(shown)}\n`);
}
