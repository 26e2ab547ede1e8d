import { ksuidFloor } from '../domain/ksuid.js';
import { deliveryId, newId } from './ids.js';

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
