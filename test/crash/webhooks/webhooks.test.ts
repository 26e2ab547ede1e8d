import { crashRun } from './crash-run.js';
import type { CrashReport, Victim } from './crash-run.js';
import { forgottenRows } from './forgotten-rows.js';
import { speedRun } from './speed-run.js';

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
        // Soon after each start, when what waited meanwhile comes in all at once.
        kills: Array.from({ length: 5 }, () => 'everything' as const),
        maxPauseMs: 600,
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

/** The figures, with a few of the lost ids to look for in the logs. */
function say(title: string, report: CrashReport): void {
  const shown = { ...report, lost: report.lost.length, storedOfLost: report.storedOfLost.slice(0, 2) };
  process.stderr.write(`figures: ${title}: ${JSON.stringify(shown)}\n`);
}
