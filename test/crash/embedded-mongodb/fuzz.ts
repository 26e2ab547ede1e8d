// npm run fuzz:mongodb -- --frames 500000 [--seed 1]   random and spoiled messages against the embedded server
// Exit code 0 only if it survived, reacted to each, stayed right and its memory stayed flat.
import { parseArgs } from 'node:util';
import { machine } from '../../../bench/machine.js';
import { fuzz, memoryTrend } from './fuzz-run.js';
import type { FuzzReport } from './fuzz-run.js';

const { values: options } = parseArgs({
  options: {
    frames: { type: 'string', default: '500000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const LAPS = 50;

let told = 0;
const frames = Number(options.frames);
const seed = Number(options.seed);
say(`seed ${seed}, ${JSON.stringify(machine())}`);
const framesPerLap = Math.ceil(frames / LAPS);
const report = await fuzz({ frames, seed, framesPerLap, hangMs: 20_000, progress });
const { warm, end, flat } = memoryTrend(report);
say(`\n${report.frames} frames from ${report.recorded} recorded ones in ${report.seconds} s`);
say(`reactions: ${JSON.stringify(report.reactions)}`);
say(`error codes: ${JSON.stringify(report.codes)}`);
say(`live memory: ${warm} MiB after warming up, ${end} MiB at the end: ${flat ? 'flat' : 'GROWS'}`);
process.exit(flat && report.problems.length === 0 && report.frames === frames ? 0 : 1);

function progress({ frames: done, seconds, liveMiB, problems }: FuzzReport): void {
  say(`${done} frames, ${seconds} s, ${liveMiB.at(-1)} MiB, ${problems.length} problems`);
  for (const problem of problems.slice(told)) say(`  ${problem.slice(0, 1_500)}`);
  told = problems.length;
}
