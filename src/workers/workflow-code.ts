import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BUNDLE = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));

/** The module whose exports are the workflows. */
export const workflowsPath = (): string => {
  const compiled = fileURLToPath(new URL('../workflows/all-workflows.js', import.meta.url));
  return existsSync(compiled) ? compiled : compiled.replace(/\.js$/, '.ts');
};

/** The prebuilt bundle where there is one (production), else the module to bundle at start (development). */
export const workflowCode = () =>
  existsSync(BUNDLE) ? { workflowBundle: { codePath: BUNDLE } } : { workflowsPath: workflowsPath() };
