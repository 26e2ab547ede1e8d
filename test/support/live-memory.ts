import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MIB = 2 ** 20;

/** MiB that this process holds after a collection of garbage: its heap and the buffers outside it. */
export function liveMiB(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MIB;
}

/** What the environment of a Node process needs for `liveMiBOf`; `folder` is where it listens. */
export function probedEnv(folder: string, ...preloads: string[]): NodeJS.ProcessEnv {
  const imports = ['test/support/memory-probe.mjs', ...preloads].map(
    (file) => `--import ${pathToFileURL(resolve(file)).href}`,
  );
  return { MEMORY_PROBE_DIR: folder, NODE_OPTIONS: `--expose-gc ${imports.join(' ')}` };
}

/** The same of another process. */
export async function liveMiBOf(folder: string, pid: number): Promise<number> {
  return (JSON.parse(await text(connect(join(folder, String(pid))))) as { liveMiB: number }).liveMiB;
}
