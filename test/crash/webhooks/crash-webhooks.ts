import { parseArgs } from 'node:util';
import { machine } from '../../../bench/machine.js';
import { CRASH_POINTS } from '../../../src/platform/crash-point.js';
import type { CrashPoint } from '../../../src/platform/crash-point.js';
import { specialFaults, specialPoints } from './special-points.js';
import { speedRun } from './speed-run.js';
import type { SpeedReport } from './speed-run.js';
import { twoWorkers } from './two-workers.js';
import { forgottenRows } from './forgotten-rows.js';

// npm run crash:webhooks -- --kills 50 --messages 100000 [--seed 1]
// Exit code 0 only if nothing was lost or out of order and every negative control was seen.

/** Two endpoints of 20 requests at once, and results that wait for the next flush (256 a lane). */
const IN_FLIGHT = 2 * (20 + 256);

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    messages: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    /** Only the deaths at special points: all of them, or these, comma-separated. */
    points: { type: 'string' },
    'pause-ms': { type: 'string', default: '2000-20000' },
  },
});
const [shortest = 2_000, longest = 20_000] = values['pause-ms'].split('-').map(Number);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const row = (name: string, value: unknown): void => say(`  ${name.padEnd(58)}${String(value).padStart(10)}`);

if (values.points !== undefined) {
  const asked = values.points === 'all' ? Object.keys(CRASH_POINTS) : values.points.split(',');
  const found = await specialPoints({ points: asked as CrashPoint[], quietMs: 240_000, progress: say });
  say(JSON.stringify(found, null, 1));
  const faults = specialFaults(found);
  for (const fault of faults) say(`  ! ${fault}`);
  say(faults.length === 0 ? 'PASS' : 'FAIL');
  process.exit(faults.length === 0 ? 0 : 1);
}
say(`seed ${values.seed}, ${JSON.stringify(machine())}`);
const report = await speedRun({
  kills: Number(values.kills),
  messages: Number(values.messages),
  pauseMs: [shortest, longest],
  quietMs: 300_000,
  seed: Number(values.seed),
  progress: say,
});
print(report);
let sound =
  report.lost.length + report.unknown + report.inversions.length + report.stored.length === 0 &&
  report.kills.every(({ duplicates }) => duplicates <= IN_FLIGHT);

say('negative controls');
const undurable = await speedRun({
  ...{ kills: 10, messages: 20_000, pauseMs: [200, 600], quietMs: 30_000, seed: Number(values.seed) },
  env: { WEBHOOK_DURABLE_ACCEPT: 'off' },
});
row('answered before stored: lost (must be > 0)', undurable.lost.length);
const unswept = await forgottenRows({ sweeper: 'off' });
row('died before the delivery rows, sweeper off: lost (must be > 0)', `${unswept.lost}/${unswept.accepted}`);
const swept = await forgottenRows({ sweeper: 'on' });
row('died before the delivery rows, sweeper on: lost (must be 0)', `${swept.lost}/${swept.accepted}`);
const leased = await twoWorkers({ leaseCheck: 'on' });
row('two workers, one lease a lane: sent by both (must be 0)', `${leased.overlaps}/${leased.accepted}`);
const unleased = await twoWorkers({ leaseCheck: 'off' });
row(
  'two workers, leases not checked: sent by both (must be > 0)',
  `${unleased.overlaps}/${unleased.accepted}`,
);
sound &&= leased.accepted > 0 && leased.overlaps === 0 && unleased.overlaps > 0;
sound &&= undurable.lost.length > 0 && unswept.lost > 0 && swept.lost === 0 && swept.accepted > 0;
say(sound ? 'PASS' : 'FAIL');
process.exit(sound ? 0 : 1);

function print({ kills, ...figures }: SpeedReport): void {
  say('\n  kill  victim       duplicates   oldest before the kill, ms');
  for (const [n, { victim, duplicates, oldestMs }] of kills.entries())
    say(
      `  ${String(n + 1).padStart(4)}  ${victim.padEnd(12)}${String(duplicates).padStart(11)}${String(oldestMs).padStart(29)}`,
    );
  say('');
  row('accepted', figures.accepted);
  row('accepted/s in bursts, kills and restarts included', figures.acceptedPerSec);
  row('lost', figures.lost.length);
  row('arrived and never accepted', figures.unknown);
  row(
    'duplicates',
    kills.reduce((sum, { duplicates }) => sum + duplicates, 0),
  );
  row('inversions within a FIFO key', figures.inversions.length);
  row('rules of the store broken', figures.stored.length);
  row('seconds', figures.seconds);
  for (const line of [...figures.lost.slice(0, 20), ...figures.inversions.slice(0, 20), ...figures.stored])
    say(`  ! ${line}`);
}
