import { races } from './races.js';

const MINUTE_MS = 60_000;

test(
  '64 clients add up exactly, 32 claimers take each job once, one of 32 rivals gets a unique key',
  async () => {
    const reports = await races({ increments: 3_200, jobs: 5_000, keys: 100, naive: false });
    const rates = reports.map(({ name, perSecond }) => `${name}: ${perSecond}/s`);
    process.stderr.write(`figures: embedded MongoDB, races: ${rates.join('; ')}\n`);
    expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
  },
  2 * MINUTE_MS,
);

test(
  'negative control: clients that read first and write then lose every race',
  async () => {
    const reports = await races({ increments: 1_280, jobs: 500, keys: 50, naive: true });
    for (const { problems } of reports) expect(problems).not.toEqual([]);
  },
  MINUTE_MS,
);
