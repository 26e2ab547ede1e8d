import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { temporalSteps } from '../temporal/temporal-steps.js';
import { DataDir } from './data-dir.js';
import { lockHolder, tryLock } from './leftovers/exclusive-lock.js';
import { mongodbSteps } from './servers/mongodb-steps.js';
import { isPortFree } from './service/ports.js';
import { isAlive } from './leftovers/process-identity.js';
import { projectRoot } from './project-root.js';
import type { ResolutionStep } from './servers/resolution.js';
import { readRunRecords } from './leftovers/run-record.js';
import { holdfastVersion, PORTS } from './stack-settings.js';

/** `npm run doctor`: what each step of both resolutions finds, and the state of ports and data. Changes nothing. */
const env = process.env;
const dataDir = env['HOLDFAST_DATA_DIR'] || join(projectRoot(), '.holdfast');
let problems = 0;
process.stdout.on('error', () => undefined);

console.log(`Holdfast ${holdfastVersion()}, Node ${process.version}, ${process.platform} ${process.arch}`);
await explain('MongoDB', mongodbSteps(env, join(dataDir, 'mongodb')), env['HOLDFAST_MONGODB']);
await explain(
  'Temporal',
  temporalSteps(env, () => undefined),
  env['HOLDFAST_TEMPORAL'],
);
await explainPorts();
explainData();
process.exitCode = problems === 0 ? 0 : 1;

async function explain(subject: string, steps: ResolutionStep<unknown>[], forced: string | undefined) {
  console.log(`\n${subject}${forced ? `, only '${forced}' is allowed` : ''}`);
  let taken = false;
  for (const step of steps) {
    if (forced && step.name !== forced) {
      row(step.name, 'skipped', 'another way is forced');
      continue;
    }
    const found = await step.inspect();
    if (!found.usable) row(step.name, 'no', found.why);
    else if (taken) row(step.name, 'not needed', found.what);
    else row(step.name, 'TAKEN', found.what);
    taken ||= found.usable;
  }
  if (taken) return;
  problems++;
  row('', 'PROBLEM', `no way to get ${subject}`);
}

async function explainPorts() {
  console.log('\nPorts');
  for (const [name, { wanted, variable }] of Object.entries(PORTS)) {
    const port = Number(env[variable] || wanted);
    const free = await isPortFree(port);
    const busy = env[variable] ? 'busy: npm start would refuse' : 'busy: npm start takes the next free one';
    row(name, String(port), free ? 'free' : busy);
  }
}

function explainData() {
  console.log('\nData');
  if (!existsSync(dataDir)) return row('folder', 'none yet', dataDir);
  const data = new DataDir(dataDir);
  const lock = tryLock(data.lock);
  row('folder', lock ? 'not in use' : `in use by pid ${lockHolder(data.lock)}`, dataDir);
  for (const record of readRunRecords(data.run))
    row(
      record.name,
      isAlive(record) ? 'running' : 'gone',
      `pid ${record.pid}, ${record.kind} ${record.version}`,
    );
  lock?.release();
}

function row(name: string, state: string, detail: string) {
  console.log(`  ${name.padEnd(12)}${state.padEnd(14)}${detail}`);
}
