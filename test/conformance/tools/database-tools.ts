import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOLS, ToolMissing, foreignTool, needed, step } from './foreign-tool.js';
import type { ForeignTool } from './foreign-tool.js';

const MODULE = join(TOOLS, 'mongo-tools');
const PACKAGE = 'github.com/mongodb/mongo-tools';

/** A folder with `mongodump` and `mongorestore`, built from the pinned module: 100 s on 2 cores the first time. */
export function mongoTools(): Promise<ForeignTool> {
  return foreignTool('mongo-tools', ['mongo-tools/go.mod', 'mongo-tools/go.sum'], async (folder) => {
    const go = needed('go');
    await mkdir(folder);
    const programs = ['mongodump', 'mongorestore'];
    const packages = programs.map((program) => `${PACKAGE}/${program}/main`);
    // Fetches the modules that the build needs, and only those.
    const list: [string, ...string[]] = [go, 'list', '-deps', ...packages];
    await step('downloading the Go modules of mongodump', list, { cwd: MODULE, kind: ToolMissing });
    for (const [at, program] of programs.entries()) {
      const flags = ['-trimpath', '-ldflags', '-s -w', '-o', join(folder, program)];
      await step(`building ${program}`, [go, 'build', ...flags, packages[at] as string], { cwd: MODULE });
    }
  });
}
