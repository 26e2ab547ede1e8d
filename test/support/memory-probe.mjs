// Preloaded into a process under test, which needs --expose-gc and an IPC channel: each message of the parent is
// answered with the MiB that are alive. Resident memory would tell when the collector last ran, not what is held.
const MIB = 2 ** 20;

process.on('message', () => {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  process.send({ liveMiB: Math.round((heapUsed + external) / MIB) });
});
// Listening must not keep a process alive that has nothing else to do.
process.channel.unref();
