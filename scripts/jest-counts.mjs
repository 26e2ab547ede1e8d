// Counts of one jest run, from its JSON report. What did not run never counts as passed.
import { existsSync, readFileSync } from 'node:fs';

/**
 * `code` is jest's exit code: a run that fails without a failed test still counts as one failure. So does a run in
 * which no test was executed, unless the ring may be skipped as a whole because its input is not there.
 */
export function jestCounts(file, code, mayBeSkipped) {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0, note: 'jest crashed' };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  if (report.numTotalTestSuites === 0 && code === 0)
    return { passed: 0, failed: 0, skipped: 0, note: 'no test files' };
  if (failed === 0 && passed === 0)
    return { passed, failed: 1, skipped, note: 'FAILED: no test was executed' };
  if (failed === 0 && code !== 0) return { passed, failed: 1, skipped };
  return { passed, failed, skipped };
}
