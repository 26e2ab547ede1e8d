// Preloaded into a process under test, which needs --expose-gc: tells the MiB that are alive to its parent, for each
// message over an IPC channel, and to whoever connects to the socket `<pid>` in MEMORY_PROBE_DIR.
// Resident memory would tell when the collector last ran, not what is held. It stands alone, beside `liveMiB`, because
// the loader of TypeScript would add 10 MiB to what it measures.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const MIB = 2 ** 20;
const folder = process.env.MEMORY_PROBE_DIR;

// Neither must keep a process alive that has nothing else to do.
if (isMainThread && process.channel) {
  process.on('message', () => process.send(memory()));
  process.channel.unref();
}
if (isMainThread && folder) {
  const server = createServer((socket) => socket.end(JSON.stringify(memory())));
  server.listen(join(folder, String(process.pid))).unref();
}

function memory() {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return { liveMiB: Math.round((heapUsed + external) / MIB) };
}
