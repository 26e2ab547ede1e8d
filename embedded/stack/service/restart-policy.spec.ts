import { RestartPolicy } from './restart-policy.js';

describe('restarting a crashed process', () => {
  it('waits from 0.2 s to 5 s, and gives up at the sixth crash in a minute', () => {
    const policy = new RestartPolicy();
    const waits = [0, 1, 2, 3, 4, 5].map((second) => policy.onCrash(second * 1_000));
    expect(waits).toEqual([200, 500, 1_000, 2_500, 5_000, undefined]);
  });

  it('forgets crashes that are more than a minute ago', () => {
    const policy = new RestartPolicy();
    for (let second = 0; second < 5; second++) policy.onCrash(second * 1_000);
    expect(policy.onCrash(62_500)).toBe(1_000);
    expect(policy.onCrash(200_000)).toBe(200);
  });
});
