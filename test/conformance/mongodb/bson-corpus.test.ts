import { runCorpus } from './bson-corpus.js';
import { report } from './report.js';
import { ServerUnderTest } from './server-under-test.js';
import { specFolder } from './spec-file.js';

const folder = specFolder('bson-corpus');

if (folder) {
  const server = await ServerUnderTest.start();
  try {
    report('bson-corpus', await runCorpus(folder, server));
  } finally {
    await server.stop();
  }
} else {
  describe('bson-corpus', () =>
    it.skip('needs the specification files: set CONFORMANCE_DIR', () => undefined));
}
