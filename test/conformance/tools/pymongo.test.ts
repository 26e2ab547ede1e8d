import { join } from 'node:path';
import { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import { TOOLS, describeWith, runProgram } from './foreign-tool.js';
import { pymongo } from './python-environment.js';

/** What the script prints of each section. */
interface Section {
  section: string;
  passed: number;
  failures: string[];
}

const RULES: Record<string, string> = {
  types: 'documents of every BSON type come back as the same bytes',
  order: "a sort by a field of mixed types gives MongoDB's order, with and without index",
  groups: 'equal values are one group whatever their number types',
  ranges: 'a range query stays within a type, with and without index',
  indexes: 'indexes of every kind are listed, used and kept',
  errors: "refusals carry MongoDB's error codes",
};
const tool = await pymongo();

describeWith('PyMongo', tool, (environment) => {
  let server: EmbeddedProcess;
  let run: Awaited<ReturnType<typeof checks>>;

  const checks = async (...options: string[]) => {
    const args = [join(TOOLS, 'pymongo'), server.uri, ...options];
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
    const { code, output } = await runProgram(join(environment, 'bin/python'), args, { env });
    const lines = output.split('\n').filter((line) => line.startsWith('{"section"'));
    return { code, output, sections: lines.map((line) => JSON.parse(line) as Section) };
  };

  beforeAll(async () => {
    server = await EmbeddedProcess.start('--test-commands');
    run = await checks();
    process.stderr.write(`figures: PyMongo: ${run.output.trim().split('\n').at(-1)}\n`);
  }, 540_000);

  afterAll(() => server.stop());

  test.each(Object.entries(RULES))('%s: %s', (name) => {
    const found = run.sections.find(({ section }) => section === name);
    expect(found ? found.failures : run.output).toEqual([]);
    expect(found?.passed).toBeGreaterThan(0);
  });

  test('all checks of the script passed', () => {
    expect(run.output).toMatch(/\d+ checks passed\n$/);
    expect(run.code).toBe(0);
  });

  test("two values in each other's place are found", async () => {
    const { code, sections } = await checks('groups', '--mistake');
    expect(sections[0]?.failures).not.toEqual([]);
    expect(code).toBe(1);
  }, 120_000);
});
