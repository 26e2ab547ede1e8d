import { broadcastRun } from './broadcast-run.js';
import type { BroadcastReport } from './broadcast-run.js';

const MINUTE_MS = 60_000;

describe('a broadcast whose worker and API are killed in the middle', () => {
  it(
    'reaches every application with one message',
    async () => {
      const report = await broadcastRun({ keys: 'kept' });
      say('broadcast', report);
      expect(report.madeBefore).toBeGreaterThan(0);
      expect(report.madeBefore).toBeLessThan(report.applications);
      expect(report).toMatchObject({ sameTask: true, counted: report.applications });
      expect(report).toMatchObject({ without: [], twice: [], stored: [] });
    },
    3 * MINUTE_MS,
  );

  it(
    'negative control: without the key of the task, applications are seen to get it twice',
    async () => {
      const report = await broadcastRun({ keys: 'gone' });
      say('broadcast, negative control', report);
      expect(report.twice.length).toBeGreaterThan(0);
    },
    3 * MINUTE_MS,
  );
});

function say(title: string, report: BroadcastReport): void {
  process.stderr.write(`figures: ${title}: ${JSON.stringify({ ...report, twice: report.twice.length })}\n`);
}
