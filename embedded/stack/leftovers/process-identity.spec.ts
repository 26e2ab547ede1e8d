import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endProcess, identify, isAlive } from './process-identity.js';

const start = async (program: string) => {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
};

describe('the identity of a process', () => {
  it('tells a process from a later one with the same pid', () => {
    const self = identify(process.pid);
    expect(self && isAlive(self)).toBe(true);
    expect(isAlive({ pid: process.pid, startTime: 'another time' })).toBe(false);
  });

  it('ends a process that stops when asked without killing it', async () => {
    const child = await start("console.log('up'); setInterval(() => 0, 1000)");
    const identity = identify(child.pid ?? 0);
    expect(identity).toBeDefined();
    if (identity) expect(await endProcess(identity, 5_000)).toEqual({ killed: false });
  });

  it('kills a process that does not stop in time', async () => {
    const child = await start(
      "process.on('SIGTERM', () => 0); console.log('up'); setInterval(() => 0, 1000)",
    );
    const identity = identify(child.pid ?? 0);
    if (identity) expect(await endProcess(identity, 100)).toEqual({ killed: true });
    expect(child.signalCode ?? (await once(child, 'exit'))[1]).toBe('SIGKILL');
  });

  it('never signals a stranger that got the pid of a process that is gone', async () => {
    const child = await start("console.log('up'); setInterval(() => 0, 1000)");
    await endProcess({ pid: child.pid ?? 0, startTime: 'another time' }, 100);
    expect(identify(child.pid ?? 0)).toBeDefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});
