import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ProcessIdentity } from './process-identity.js';

/** What `run/<name>.json` says about a process that a stack started. */
export interface RunRecord extends ProcessIdentity {
  name: string;
  kind: string;
  version: string;
  ports: Record<string, number>;
}

export function writeRunRecord(folder: string, record: RunRecord): void {
  writePrivateJson(join(folder, `${record.name}.json`), record);
}

export function removeRunRecord(folder: string, name: string): void {
  rmSync(join(folder, `${name}.json`), { force: true });
}

export function readRunRecord(folder: string, name: string): RunRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as RunRecord;
  } catch {
    return undefined;
  }
}

/** Every readable record; `stack.json` is none, since it has no pid of its own. */
export function readRunRecords(folder: string): RunRecord[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => readRunRecord(folder, basename(file, '.json')))
    .filter(
      (record) => typeof record?.pid === 'number' && typeof record.startTime === 'string',
    ) as RunRecord[];
}

/** Written beside and renamed, so that a reader never sees half of it. */
export function writePrivateJson(file: string, value: unknown): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}
