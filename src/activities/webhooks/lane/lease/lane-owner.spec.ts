import { spawnSync } from 'node:child_process';
import { isProvablyDead, ownerName } from './lane-owner.js';

const linux = process.platform === 'linux';
const withPid = (pid: number) => {
  const parts = ownerName('wrk_1').split('/');
  parts[3] = String(pid);
  return parts.join('/');
};

describe('lane owner', () => {
  it('is alive while its process runs', () => {
    expect(isProvablyDead(ownerName('wrk_1'))).toBe(false);
  });

  (linux ? it : it.skip)('is dead when its process has ended or its pid belongs to another', () => {
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    expect(isProvablyDead(withPid(ended))).toBe(true);
    expect(isProvablyDead(withPid(1))).toBe(true);
  });

  it('is not proved dead from another host, another boot, or without a sign', () => {
    const [name, , namespace, , start] = ownerName('wrk_1').split('/');
    const elsewhere = [name, 'another-boot', namespace, '999999', start].join('/');
    expect(isProvablyDead(elsewhere)).toBe(false);
    for (const owner of ['somebody', '', 'x@host/-/-/999999/-']) expect(isProvablyDead(owner)).toBe(false);
  });
});
