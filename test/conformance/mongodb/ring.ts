import { driverGap } from './driver-gaps.js';
import { unmetRequirement } from './requirements.js';
import { runTest } from './run-test.js';
import type { ServerUnderTest } from './server-under-test.js';
import { readSpecFiles } from './spec-file.js';
import type { SpecFile, TestSpec } from './spec-file.js';

/** What became of one test. `reason` says why it did not pass. */
export interface Result {
  folder: string;
  file: string;
  test: string;
  status: 'passed' | 'refused' | 'skipped' | 'failed';
  reason?: string;
  error?: Error;
}

/** Runs every test of a folder, one after the other: fail points concern the whole server. */
export async function runFolder(name: string, folder: string, server: ServerUnderTest): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name: file, spec } of readSpecFiles(folder)) {
    await server.clear();
    for (const test of spec.tests)
      results.push({
        folder: name,
        file,
        test: test.description,
        ...(await resultOf(file, spec, test, server)),
      });
  }
  return results;
}

async function resultOf(
  file: string,
  spec: SpecFile,
  test: TestSpec,
  server: ServerUnderTest,
): Promise<Pick<Result, 'status' | 'reason' | 'error'>> {
  const reason =
    test.skipReason ??
    unmetRequirement(spec.runOnRequirements, server.deployment) ??
    unmetRequirement(test.runOnRequirements, server.deployment) ??
    driverGap(file, test);
  if (reason) return { status: 'skipped', reason };
  const { error, refusals } = await runTest(spec, test, server);
  if (!error) return { status: 'passed' };
  if (refusals[0]) return { status: 'refused', reason: refusals[0], error };
  return { status: 'failed', reason: error.message, error };
}
