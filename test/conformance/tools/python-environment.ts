import { join } from 'node:path';
import { TOOLS, ToolMissing, foreignTool, needed, step } from './foreign-tool.js';
import type { ForeignTool } from './foreign-tool.js';

export const pymongo = (): Promise<ForeignTool> => pythonEnvironment('pymongo');
export const schemathesis = (): Promise<ForeignTool> => pythonEnvironment('schemathesis');

/**
 * A virtual environment with what `<name>/requirements.txt` pins; `bin/python` works from the renamed folder, its
 * other scripts do not.
 */
function pythonEnvironment(name: string): Promise<ForeignTool> {
  const pinned = `${name}/requirements.txt`;
  return foreignTool(name, [pinned], async (folder) => {
    const missing = { kind: ToolMissing };
    await step('making a Python environment', [needed('python3'), '-m', 'venv', folder], missing);
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    const requirements = ['--requirement', join(TOOLS, pinned)];
    await step(`installing ${name}`, [join(folder, 'bin/python'), ...install, ...requirements], missing);
  });
}
