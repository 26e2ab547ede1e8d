import { killRounds } from './kill-rounds.js';
import { TAMPERINGS } from './tampering.js';

const MINUTE_MS = 60_000;

test(
  'kill -9 at any moment: acknowledged writes are there once, indexes and oplog agree with them',
  async () => {
    const report = await killRounds({ rounds: 15, seed: 20_261_121, maxWriteMs: 700 });
    const shown = { ...report, problems: report.problems.length, restartMs: Math.max(...report.restartMs) };
    process.stderr.write(`figures: embedded MongoDB, kill -9: ${JSON.stringify(shown)}\n`);
    expect(report.problems.slice(0, 10)).toEqual([]);
    expect(report.rounds).toBe(15);
    // Fifteen rounds of writing; how many depends on the machine.
    expect(report.acknowledged).toBeGreaterThan(500);
    expect(report.acrossKill).toBeGreaterThan(0);
  },
  5 * MINUTE_MS,
);

test.each(TAMPERINGS)(
  'negative control: $name, and the judge says so',
  async ({ harm, seenAs }) => {
    const report = await killRounds({ rounds: 1, seed: 7, maxWriteMs: 500, tamper: harm });
    const kinds = new Set(report.problems.map(({ kind }) => kind));
    expect([...kinds]).toEqual(expect.arrayContaining([...seenAs]));
  },
  MINUTE_MS,
);

test(
  'a document with a flipped byte is refused with error 22 and listed by validate, never served',
  async () => {
    const flipped = TAMPERINGS.find(({ name }) => name.includes('flipped'))!;
    const { problems } = await killRounds({ rounds: 1, seed: 8, maxWriteMs: 500, tamper: flipped.harm });
    const said = problems.map(({ text }) => text).join('\n');
    expect(said).toMatch(/cannot be read: document \d+ of torture\.documents1 is damaged on disk/);
    expect(said).toMatch(/documents1: document \d+ is damaged on disk/);
  },
  MINUTE_MS,
);
