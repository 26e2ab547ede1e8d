// Bundles the workflows for production: `node dist/src/workers/bundle.js` writes dist/workflow-bundle.js.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { workflowsPath } from './workflow-code.js';

const { code } = await bundleWorkflowCode({ workflowsPath: workflowsPath() });
await writeFile(fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url)), code);
