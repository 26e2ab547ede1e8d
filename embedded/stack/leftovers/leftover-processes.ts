import { decideLeftover, type LeftoverWish } from './leftovers.js';
import { endProcess, isAlive } from './process-identity.js';
import { readRunRecord, readRunRecords, removeRunRecord, type RunRecord } from './run-record.js';
import { ServiceProcess } from '../service/service-process.js';
import type { Service } from '../service/service.js';
import type { Report } from '../stack-event.js';

const GRACE_MS = 10_000;

/**
 * Looks for a process that an earlier supervisor left under this name. Returns it if it can be used as it is;
 * ends it otherwise. `serviceOn` describes the service that we would start on the recorded ports.
 */
export async function takeOver(
  run: string,
  name: string,
  explicitPorts: Record<string, number>,
  serviceOn: (ports: Record<string, number>) => Service,
  report: Report,
): Promise<ServiceProcess | undefined> {
  const record = readRunRecord(run, name);
  if (!record) return undefined;
  const service = serviceOn(record.ports);
  const { kind, version, exitsWithParent } = service;
  const wish: LeftoverWish = { kind, version, exitsWithParent, ports: explicitPorts };
  const alive = isAlive(record);
  const healthy = alive && !exitsWithParent && (await isHealthy(service, record));
  const decision = decideLeftover({ ...record, alive, healthy }, wish);
  if (decision === 'adopt') {
    report({ type: 'note', text: `${name} of an earlier start still runs (pid ${record.pid}): taken over` });
    return ServiceProcess.adopt(service, record);
  }
  if (decision === 'end') await end(record, report);
  removeRunRecord(run, name);
  return undefined;
}

/** Ends what is left of all names but these: the processes of Holdfast itself, which only start new. */
export async function endOthers(run: string, kept: readonly string[], report: Report): Promise<void> {
  const others = readRunRecords(run).filter(({ name }) => !kept.includes(name));
  await Promise.all(
    others.map(async (record) => {
      if (isAlive(record)) await end(record, report);
      removeRunRecord(run, record.name);
    }),
  );
}

async function end(record: RunRecord, report: Report): Promise<void> {
  const { killed } = await endProcess(record, GRACE_MS);
  const how = killed ? 'killed, since it did not stop in 10 s' : 'ended';
  report({ type: 'note', text: `${record.name} of an earlier start still ran (pid ${record.pid}): ${how}` });
}

const isHealthy = (service: Service, record: RunRecord) =>
  service.check(record).then(
    () => true,
    () => false,
  );
