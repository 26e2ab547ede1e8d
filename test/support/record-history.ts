import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

const FOLDER = 'test/histories';

/**
 * Keeps the history of a workflow for the replay tests, when RECORD_HISTORIES is set (scripts/record-histories.mjs);
 * does nothing otherwise. @param name what happened in it, e.g. `exhausted`
 */
export async function recordHistory(handle: WorkflowHandle, name: string): Promise<void> {
  if (process.env['RECORD_HISTORIES'] === undefined) return;
  const [type] = handle.workflowId.split(/[-/]/);
  const folder = join(FOLDER, type!);
  const file = join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  const history = JSON.stringify(JSON.parse(historyToJSON(await handle.fetchHistory())), null, 1);
  // Who ran it is of no interest to a replay.
  const text = history
    .replaceAll(`${process.pid}@${hostname()}`, 'worker@host')
    .replaceAll(hostname(), 'host');
  if (process.env['RECORD_HISTORIES'] !== 'again' && existsSync(file)) return;
  writeFileSync(file, `${text}\n`);
}

/** The first run of a workflow that went on as a new one. Throws when there was but one run. */
export async function continuedRun(handle: WorkflowHandle): Promise<WorkflowHandle> {
  const { raw, runId, workflowId } = await handle.describe();
  const first = raw.workflowExecutionInfo?.firstRunId;
  if (first == null || first === runId)
    throw new Error(`expected ${workflowId} to have gone on as a new run, got one run`);
  return handle.client.getHandle(workflowId, first, { followRuns: false });
}
