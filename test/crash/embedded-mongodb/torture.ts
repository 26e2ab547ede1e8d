// npm run torture:mongodb -- --kill9 200 [--seed 1]   kill -9 under load, restart, judge
// npm run torture:mongodb -- --concurrent             races of many clients for the same documents
// Exit code 0 only if nothing was wrong and every negative control was seen.
import { parseArgs } from 'node:util';
import { machine } from '../../../bench/machine.js';
import { median } from '../../../bench/quantiles.js';
import { killRounds } from './kill-rounds.js';
import type { KillReport } from './kill-rounds.js';
import { FULL_RACES, races } from './races.js';
import { TAMPERINGS } from './tampering.js';

const { values: options } = parseArgs({
  options: {
    kill9: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    concurrent: { type: 'boolean', default: false },
  },
});
const seed = Number(options.seed);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const row = (name: string, value: unknown): void => say(`  ${name.padEnd(66)}${String(value).padStart(12)}`);

if (options.kill9 === undefined && !options.concurrent) {
  say('expected --kill9 <rounds>, --concurrent or both');
  process.exit(2);
}
say(`seed ${seed}, ${JSON.stringify(machine())}`);
let sound = true;
if (options.kill9 !== undefined) sound = (await kill9(Number(options.kill9))) && sound;
if (options.concurrent) sound = (await concurrent()) && sound;
process.exit(sound ? 0 : 1);

async function kill9(rounds: number): Promise<boolean> {
  const started = Date.now();
  const report = await killRounds({ rounds, seed, maxWriteMs: 1_200, progress });
  say(`\nkill -9, ${Math.round((Date.now() - started) / 1_000)} s`);
  printKills(report);
  let sound = report.problems.length === 0;
  say('negative controls');
  for (const { name, harm, seenAs } of TAMPERINGS) {
    const { problems } = await killRounds({ rounds: 1, seed, maxWriteMs: 500, tamper: harm });
    const seen = seenAs.every((wanted) => problems.some(({ kind }) => kind === wanted));
    row(name, seen ? 'seen' : 'NOT SEEN');
    sound &&= seen;
  }
  return sound;
}

function progress(round: number, { kills, acknowledged, problems }: KillReport): void {
  if (round % 10 === 0 || problems.length > 0)
    say(`round ${round}: ${kills} kills, ${acknowledged} writes acknowledged, ${problems.length} problems`);
}

function printKills(report: KillReport): void {
  row('rounds', report.rounds);
  row('kill -9', report.kills);
  row('  of them while the server was starting', report.killsWhileStarting);
  row('document writes acknowledged', report.acknowledged);
  row('  of them sent again by the driver after a kill', report.acrossKill);
  row('document writes whose answer never came', report.open);
  row('entries of the oplog checked', report.oplogEntries);
  row('from start to ready after a kill, ms, median', median(report.restartMs));
  row('from start to ready after a kill, ms, longest', Math.max(...report.restartMs));
  for (const kind of ['lost', 'twice', 'wrong', 'unknown', 'refused', 'index', 'oplog', 'validate'])
    row(`problems: ${kind}`, report.problems.filter((problem) => problem.kind === kind).length);
  for (const { kind, text } of report.problems.slice(0, 20)) say(`  ${kind}: ${text}`);
}

async function concurrent(): Promise<boolean> {
  const reports = await races(FULL_RACES);
  say('\nraces, operations per second');
  for (const { name, perSecond } of reports) row(name, perSecond);
  const problems = reports.flatMap((report) => report.problems);
  for (const problem of problems) say(`  problem: ${problem}`);
  const naive = await races({ increments: 1_280, jobs: 500, keys: 50, naive: true });
  say('negative control: read first, write then');
  for (const report of naive) row(report.name, report.problems.length > 0 ? 'seen' : 'NOT SEEN');
  return problems.length === 0 && naive.every((report) => report.problems.length > 0);
}
