import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from './foreign-tool.js';
import { schemathesis } from './python-environment.js';
import { fuzzedApi } from './schemathesis/fuzzed-api.js';
import type { FuzzedApi } from './schemathesis/fuzzed-api.js';
import { schemathesisRun } from './schemathesis/schemathesis-run.js';

const tool = await schemathesis();

describeWith('the API keeps to its description (schemathesis)', tool, (environment) => {
  let api: FuzzedApi;
  beforeAll(async () => {
    api = await fuzzedApi();
  }, 60_000);
  afterAll(() => api.end());

  test('no made-up request gets a 5xx or an answer that is not described', async () => {
    // The long form is npm run test:schemathesis.
    const report = await schemathesisRun(environment, api, { examples: 8, phases: 'examples,fuzzing' });
    process.stderr.write(`figures: schemathesis: ${report.cases} requests\n`);
    expect(report.passed ? '' : report.output).toBe('');
    expect(report.cases).toBeGreaterThan(100);
  }, 240_000);

  test('negative control: a description that promises another answer is found out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-description-'));
    const promised = JSON.parse(readFileSync('openapi.json', 'utf8'));
    const { schema } = promised.paths['/api/v1/auth/whoami'].get.responses['200'].content['application/json'];
    schema.required = ['permissionSource', 'appName'];
    const description = join(folder, 'openapi.json');
    writeFileSync(description, JSON.stringify(promised));
    const plan = { examples: 3, phases: 'coverage', tag: 'Authentication', description };
    const report = await schemathesisRun(environment, api, plan);
    rmSync(folder, { recursive: true });
    expect(report.passed).toBe(false);
    expect(report.output).toContain('required property');
  }, 120_000);
});
