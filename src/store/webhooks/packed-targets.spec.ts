import type { SkippedTarget } from '../../contracts/webhooks/delivery.js';
import { deliveryId, newId } from '../../platform/ids.js';
import type { MessageRow } from './message.schema.js';
import { storedTargets, unpacked } from './packed-targets.js';

const id = newId('msg');
const endpoints = (count: number) => Array.from({ length: count }, () => newId('ep'));
const row = (stored: ReturnType<typeof storedTargets>) => ({ _id: id, ...stored }) as MessageRow;

describe('the targets of a message', () => {
  it('are written out while they are few', () => {
    const targets = endpoints(3);
    const stored = storedTargets(id, { targets, skipped: [] }, 4, () => null);
    expect(stored.packed).toBeUndefined();
    expect(stored.targets.map(({ e }) => e)).toEqual(targets);
    expect(unpacked(row(stored))).toEqual(row(stored));
  });

  it('are one text when they are many, from which each can be derived as it was', () => {
    const targets = endpoints(1000);
    const own = { d: deliveryId(id, targets[7]!), e: targets[7]!, l: targets[7]!, f: 'key' };
    const skipped: SkippedTarget[] = endpoints(2).map((e) => ({ e, why: 'filter' }));
    const stored = storedTargets(id, { targets, skipped }, 4, (e) => (e === own.e ? own : null));
    expect(JSON.stringify(stored).length).toBeLessThan(1000 * 28 + 500);
    expect(stored).toMatchObject({ targets: [own], skipped: [], packed: { lanes: 4 } });
    expect(stored.packed!.skipped.filter).toBe(skipped.map(({ e }) => e.slice(3)).join(''));
    const derived = unpacked(row(stored));
    expect(derived.packed).toBeUndefined();
    const written = targets.map((e) => storedTargets(id, { targets: [e], skipped: [] }, 4, () => null));
    const byEndpoint = new Map(written.map((one) => [one.targets[0]!.e, one.targets[0]!]));
    byEndpoint.set(own.e, own);
    expect(derived.targets).toHaveLength(1000);
    for (const target of derived.targets) expect(target).toEqual(byEndpoint.get(target.e));
  });
});
