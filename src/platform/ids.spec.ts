import { ksuidFloor } from '../domain/ksuid.js';
import { deliveryId, newId, newIdAbove } from './ids.js';

describe('the id of a delivery', () => {
  it('is the same each time it is made', () => {
    const message = newId('msg');
    expect(deliveryId(message, 'ep_1')).toBe(deliveryId(message, 'ep_1'));
    expect(deliveryId(message, 'ep_2')).not.toBe(deliveryId(message, 'ep_1'));
  });

  // Lists by time compare ids: one that lay a 65536th of a second early would be listed before its message.
  it('lies in the same moment as its message, at every millisecond of a second', () => {
    const first = Date.now() + 60_000;
    for (let ms = first; ms < first + 1_000; ms++) {
      const id = deliveryId(newId('msg', ms), 'ep_1');
      expect(id >= `dlv_${ksuidFloor(ms)}`).toBe(true);
      expect(id < `dlv_${ksuidFloor(ms + 1)}`).toBe(true);
    }
  });
});

describe('an id above another', () => {
  // Far ahead, because what a test raises here stays for the rest of this process.
  const ahead = Date.now() + 3_600_000;

  it('comes after one that a process made whose clock is ahead, and so do all that follow', () => {
    const theirs = `msg_${ksuidFloor(ahead).replace(/.$/, 'z')}`;
    const ours = newIdAbove(theirs, 'msg');
    expect(ours > theirs).toBe(true);
    expect(newId('msg') > ours).toBe(true);
  });

  it('is no other than it would have been where the clock is ahead by itself, or nothing has to come before', () => {
    const nowMs = ahead + 60_000;
    const id = newIdAbove(newId('msg', ahead + 10), 'msg', nowMs);
    expect(id >= `msg_${ksuidFloor(nowMs)}` && id < `msg_${ksuidFloor(nowMs + 1)}`).toBe(true);
    const alone = newIdAbove(null, 'msg', nowMs + 5);
    expect(alone >= `msg_${ksuidFloor(nowMs + 5)}` && alone < `msg_${ksuidFloor(nowMs + 6)}`).toBe(true);
  });
});
