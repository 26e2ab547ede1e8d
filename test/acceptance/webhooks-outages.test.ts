import { outageRun } from '../crash/webhooks/outage-run.js';
import { rollingRestart } from '../crash/webhooks/rolling-restart.js';

const MINUTE_MS = 60_000;
const AWAY_MS = 5 * MINUTE_MS;
const PER_SECOND = 30;

it(
  'Temporal stopped for five minutes under load: accepts and first tries go on, all is delivered after',
  async () => {
    // The retry is one that a workflow would own: it waits more than a minute.
    const { lost, ...report } = await outageRun({
      ...{ server: 'temporal', awayMs: AWAY_MS, perSecond: PER_SECOND, retrySec: 61, quietMs: 4 * MINUTE_MS },
    });
    say('Temporal away', { ...report, lost: lost.length });
    expect(report).toMatchObject({ refused: {}, stored: [], duplicates: 0 });
    expect(lost).toEqual([]);
    const offered = (PER_SECOND * AWAY_MS) / 1000;
    expect(report.acceptedWhileAway).toBeGreaterThan(0.95 * offered);
    expect(report.arrivedWhileAway).toBeGreaterThan(0.95 * offered);
  },
  15 * MINUTE_MS,
);

it(
  'MongoDB stopped for a minute under load: 503 with Retry-After, no 202, every 202 before it is delivered',
  async () => {
    const { lost, ...report } = await outageRun({
      ...{
        server: 'mongodb',
        awayMs: MINUTE_MS,
        perSecond: PER_SECOND,
        retrySec: 61,
        quietMs: 4 * MINUTE_MS,
      },
    });
    say('MongoDB away', { ...report, lost: lost.length });
    expect(report).toMatchObject({ acceptedWhileAway: 0, refusedWithoutRetryAfter: 0, stored: [] });
    expect(Object.keys(report.refused)).toEqual(['503']);
    expect(lost).toEqual([]);
  },
  15 * MINUTE_MS,
);

it(
  'three rolling restarts by SIGTERM under load: no duplicate, no loss',
  async () => {
    const report = await rollingRestart({ rounds: 3, perSecond: 30 });
    say('rolling restarts', report);
    expect(report).toMatchObject({ restarts: 9, lost: [], duplicates: 0, inversions: [], stored: [] });
  },
  15 * MINUTE_MS,
);

function say(title: string, report: object): void {
  process.stderr.write(`figures: ${title}: ${JSON.stringify(report)}\n`);
}
