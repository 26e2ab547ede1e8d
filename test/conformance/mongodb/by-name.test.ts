import { runFolders } from './conformance.js';

const folders = process.env['CONFORMANCE_FOLDERS']?.split(',') ?? [];

if (folders.length > 0) await runFolders(folders);
else
  describe('other folders', () =>
    it.skip('run when CONFORMANCE_FOLDERS names them, separated by commas', () => undefined));
