import { runFolders } from './conformance.js';

const MIN_PASSED = 0.85;

const results = await runFolders(['crud']);

describe('crud as a whole', () => {
  const runnable = results.filter(({ status }) => status !== 'skipped');
  if (runnable.length === 0) return;

  it(`passes at least ${MIN_PASSED * 100} % of the tests that concern this deployment`, () => {
    const passed = runnable.filter(({ status }) => status === 'passed');
    expect(passed.length / runnable.length).toBeGreaterThanOrEqual(MIN_PASSED);
  });
});
