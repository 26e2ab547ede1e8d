import { outageRun } from './outage-run.js';
import { rollingRestart } from './rolling-restart.js';

const MINUTE_MS = 60_000;

// The long forms are npm run acceptance -- webhooks A24 A25 A32.

describe('under load, with a server away for a while', () => {
  it(
    'Temporal: messages are accepted and first tries made meanwhile, and all are delivered after',
    async () => {
      const { lost, ...report } = await outageRun({
        ...{ server: 'temporal', awayMs: 15_000, perSecond: 30, retrySec: 2, quietMs: MINUTE_MS },
      });
      say('Temporal away', { ...report, lost: lost.length });
      expect(report).toMatchObject({ refused: {}, stored: [], duplicates: 0 });
      expect(lost).toEqual([]);
      // Both went on all the time; how fast is the machine's affair.
      expect(report.acceptedWhileAway).toBeGreaterThan(100);
      expect(report.arrivedWhileAway).toBeGreaterThan(0.6 * report.acceptedWhileAway);
    },
    3 * MINUTE_MS,
  );

  it(
    'MongoDB: nothing is accepted, every answer is 503 with Retry-After, and what was accepted is delivered',
    async () => {
      const { lost, ...report } = await outageRun({
        ...{ server: 'mongodb', awayMs: 20_000, perSecond: 30, retrySec: 2, quietMs: MINUTE_MS },
      });
      say('MongoDB away', { ...report, lost: lost.length });
      expect(report).toMatchObject({ acceptedWhileAway: 0, refusedWithoutRetryAfter: 0, stored: [] });
      expect(Object.keys(report.refused)).toEqual(['503']);
      expect(lost).toEqual([]);
    },
    3 * MINUTE_MS,
  );
});

describe('a rolling restart by SIGTERM under load', () => {
  it(
    'loses nothing and sends nothing twice, also to receivers that take longer than a worker waits',
    async () => {
      const report = await rollingRestart({ rounds: 1, perSecond: 10 });
      say('rolling restart', report);
      expect(report).toMatchObject({ restarts: 3, lost: [], duplicates: 0, inversions: [], stored: [] });
    },
    8 * MINUTE_MS,
  );
});

function say(title: string, report: object): void {
  process.stderr.write(`figures: ${title}: ${JSON.stringify(report)}\n`);
}
