import { runFolders } from './conformance.js';
import { unmetRequirement } from './requirements.js';
import { runTest } from './run-test.js';
import { ServerUnderTest } from './server-under-test.js';
import { readSpecFiles, specFolder } from './spec-file.js';

await runFolders(['runner-selftest-pass']);

const invalid = specFolder('runner-selftest-fail');

(invalid ? describe : describe.skip)('the runner fails tests that must fail', () => {
  let server: ServerUnderTest;
  beforeAll(async () => {
    server = await ServerUnderTest.start();
  });
  afterAll(() => server.stop());

  const tests = (invalid ? readSpecFiles(invalid) : []).flatMap(({ name, spec }) =>
    spec.tests.map((test) => [`${name}: ${test.description}`, spec, test] as const),
  );
  it.each(tests)('%s', async (_name, spec, test) => {
    expect(unmetRequirement(spec.runOnRequirements, server.deployment)).toBeUndefined();
    expect((await runTest(spec, test, server)).error).toBeInstanceOf(Error);
  });
});
