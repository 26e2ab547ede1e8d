import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import { TOOLS, ToolMissing, describeWith, foreignTool, needed, runProgram, step } from './foreign-tool.js';

const PINNED = 'mongosh/package.json';

const tool = await foreignTool('mongosh', [PINNED], async (folder) => {
  await mkdir(folder);
  await copyFile(join(TOOLS, PINNED), join(folder, 'package.json'));
  // Its optional native parts are for encryption and Kerberos.
  const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional'];
  await step('installing mongosh', [needed('npm'), ...install], { cwd: folder, kind: ToolMissing });
});

describeWith('mongosh', tool, (folder) => {
  let server: EmbeddedProcess;
  let home: string;

  /** Output of one run of the shell, which keeps its history and logs under HOME. */
  const shell = async (args: string[], input = ''): Promise<string> => {
    const program = join(folder, 'node_modules/mongosh/bin/mongosh.js');
    const env = { ...process.env, HOME: home, MONGOSH_FORCE_DISABLE_TELEMETRY_FOR_TESTING: '1' };
    const options = { env, input };
    const { code, output } = await runProgram(process.execPath, [program, server.uri, ...args], options);
    if (code !== 0) throw new Error(`mongosh ended with ${code}:\n${output}`);
    return output;
  };

  beforeAll(async () => {
    server = await EmbeddedProcess.start();
    home = await mkdtemp(join(tmpdir(), 'holdfast-mongosh-'));
  });

  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });

  test('it connects, knows the server and warns of nothing', async () => {
    const output = await shell([], 'show dbs\nuse local\nshow collections\nexit\n');
    expect(output).toMatch(/Using MongoDB:\s+8\.0\.0\n/);
    expect(output).toMatch(/local\s/);
    expect(output).not.toMatch(/warning|error/i);
  }, 60_000);

  test('what a person types is answered or refused', async () => {
    const output = await shell(['--quiet', '--file', join(TOOLS, 'mongosh/session.js')]);
    expect(JSON.parse(output.trim().split('\n').at(-1) ?? '')).toEqual({
      server: { version: '8.0.0', primary: true, state: 1 },
      inserted: 3,
      index: 'n_1',
      found:
        '[{"_id":{"$numberInt":"2"},"n":{"$numberLong":"9007199254740993"}},{"_id":{"$numberInt":"3"},"n":{"$numberDecimal":"1.50"}}]',
      plan: 'n_1',
      duplicate: 11_000,
      updated: 1,
      after: 42,
      counts: [3, 3, 3],
      sum: 6,
      many: true,
      batches: 503,
      names: [['orders'], ['_id_', 'n_1']],
      statistics: [503, true, 'number'],
      parameters: { version: '8.0' },
      tests: false,
      noSuchParameter: 72,
      refused: [115, 115, 115, 115],
      unknown: 59,
      dropped: [true, 1],
    });
  }, 60_000);
});
