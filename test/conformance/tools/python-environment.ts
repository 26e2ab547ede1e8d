import { join } from 'node:path';
import { TOOLS, ToolMissing, foreignTool, needed, step } from './foreign-tool.js';
import type { ForeignTool } from './foreign-tool.js';

const REQUIREMENTS = 'pymongo/requirements.txt';

/** A virtual environment with PyMongo; `bin/python` works from the renamed folder, its other scripts do not. */
export function pymongo(): Promise<ForeignTool> {
  return foreignTool('pymongo', [REQUIREMENTS], async (folder) => {
    const missing = { kind: ToolMissing };
    await step('making a Python environment', [needed('python3'), '-m', 'venv', folder], missing);
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    const requirements = ['--requirement', join(TOOLS, REQUIREMENTS)];
    await step('installing PyMongo', [join(folder, 'bin/python'), ...install, ...requirements], missing);
  });
}
