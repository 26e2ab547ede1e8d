import { runFolders } from './conformance.js';

await runFolders([
  'index-management',
  'collection-management',
  'run-command',
  'read-write-concern',
  'command-monitoring',
]);
