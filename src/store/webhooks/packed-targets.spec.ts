import type { SkippedTarget } from '../../contracts/webhooks/delivery.js';
import { deliveryId, newId } from '../../platform/ids.js';
import type { MessageRow } from './message.schema.js';
import { skippedBy, skippedRuns, storedTargets, unpacked } from './packed-targets.js';

const id = newId('msg');
const endpoints = (count: number) => Array.from({ length: count }, () => newId('ep'));
const row = (stored: ReturnType<typeof storedTargets>) => ({ _id: id, ...stored }) as MessageRow;

/** Why each of some endpoints is no target, as what is stored tells. */
function leftOut(stored: ReturnType<typeof storedTargets>, all: SkippedTarget[]): SkippedTarget[] {
  const runs = skippedRuns(stored.packed!);
  return all.flatMap(({ e }) => {
    const why = skippedBy(runs, e);
    return why === null ? [] : [{ e, why }];
  });
}

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
    expect(leftOut(stored, skipped)).toEqual(skipped);
    const derived = unpacked(row(stored));
    expect(derived.packed).toBeUndefined();
    const written = targets.map((e) => storedTargets(id, { targets: [e], skipped: [] }, 4, () => null));
    const byEndpoint = new Map(written.map((one) => [one.targets[0]!.e, one.targets[0]!]));
    byEndpoint.set(own.e, own);
    expect(derived.targets).toHaveLength(1000);
    for (const target of derived.targets) expect(target).toEqual(byEndpoint.get(target.e));
  });

  it('leave those that were passed over as runs of ids, by rule, however many they are', () => {
    const all = endpoints(10_000);
    const targets = [all[4_000]!, all[9_999]!];
    const why = (position: number) =>
      position < 6_000 ? 'channel' : position < 6_002 ? 'filter' : 'event_type';
    const skipped = all
      .map((e, position): SkippedTarget => ({ e, why: position === 100 ? 'disabled' : why(position) }))
      .filter(({ e }) => !targets.includes(e));
    const stored = storedTargets(id, { targets, skipped }, 4, () => null);
    expect(JSON.stringify(stored).length).toBeLessThan(600);
    expect(leftOut(stored, skipped)).toEqual(skipped);
    expect(
      leftOut(
        stored,
        endpoints(1).map((e): SkippedTarget => ({ e, why: 'filter' })),
      ),
    ).toEqual([]);
  });
});
