import { runFolders } from './conformance.js';

await runFolders(['retryable-writes']);
