import { report } from './report.js';
import { runFolder } from './ring.js';
import type { Result } from './ring.js';
import { ServerUnderTest } from './server-under-test.js';
import { specFolder } from './spec-file.js';

/**
 * Runs folders of specification tests against a server of their own, then reports them as jest tests. They run
 * before jest's tests because only then it is known which ones the server refuses, and those count as skipped.
 */
export async function runFolders(folders: string[]): Promise<Result[]> {
  const found = folders.map((name) => ({ name, folder: specFolder(name) }));
  for (const { name, folder } of found)
    if (!folder)
      describe(name, () => it.skip('needs the specification files: set CONFORMANCE_DIR', () => undefined));
  if (found.every(({ folder }) => !folder)) return [];
  const server = await ServerUnderTest.start();
  const all: Result[] = [];
  try {
    for (const { name, folder } of found) if (folder) all.push(...(await runFolder(name, folder, server)));
  } finally {
    await server.stop();
  }
  for (const { name, folder } of found)
    if (folder)
      report(
        name,
        all.filter((result) => result.folder === name),
      );
  return all;
}
