import { GroupCommit } from './group-commit.js';

/** A flush that records its groups and ends when told to. */
function heldFlush() {
  const groups: number[][] = [];
  const release: (() => void)[] = [];
  const flush = async (items: number[]) => {
    groups.push(items);
    await new Promise<void>((resolve) => release.push(resolve));
    return items.map((item) => item * 2);
  };
  const released = async () => {
    while (release.length === 0) await new Promise((resolve) => setImmediate(resolve));
    release.shift()!();
  };
  return { groups, flush, released };
}

describe('group commit', () => {
  it('flushes a lone item at once and groups what arrives meanwhile', async () => {
    const { groups, flush, released } = heldFlush();
    const commit = new GroupCommit({ maxItems: 3, flush });
    const first = commit.add(1);
    while (groups.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const later = [2, 3, 4, 5].map((n) => commit.add(n));
    await released();
    await released();
    await released();
    expect(await first).toBe(2);
    expect(await Promise.all(later)).toEqual([4, 6, 8, 10]);
    expect(groups).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('rejects one item without touching its neighbours', async () => {
    const flush = (items: number[]) => Promise.resolve(items.map((n) => (n === 2 ? new Error('two') : n)));
    const commit = new GroupCommit({ maxItems: 10, flush });
    const answers = await Promise.allSettled([1, 2, 3].map((n) => commit.add(n)));
    expect(answers.map((a) => a.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('rejects the whole group when the flush fails, and goes on with the next', async () => {
    let calls = 0;
    const flush = (items: number[]) =>
      calls++ === 0 ? Promise.reject(new Error('away')) : Promise.resolve(items);
    const commit = new GroupCommit({ maxItems: 2, flush });
    const answers = await Promise.allSettled([1, 2, 3].map((n) => commit.add(n)));
    expect(answers.map((a) => a.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    await commit.idle();
  });

  it('keeps items that were added together in one group, even over its limit', async () => {
    const { groups, flush, released } = heldFlush();
    const commit = new GroupCommit({ maxItems: 3, flush });
    const first = commit.add(1);
    while (groups.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const later = [commit.addAll([2, 3]), commit.addAll([4, 5, 6, 7]), commit.add(8)];
    for (let i = 0; i < 4; i++) await released();
    expect(await first).toBe(2);
    expect(await Promise.all(later)).toEqual([[4, 6], [8, 10, 12, 14], 16]);
    expect(groups).toEqual([[1], [2, 3], [4, 5, 6, 7], [8]]);
  });

  it('lets those who waited long enough behind a flush that failed fail with it, the others have their own', async () => {
    const { promise: failing, reject: fail } = Promise.withResolvers<never>();
    let flushes = 0;
    const flush = (items: number[]) => (flushes++ === 0 ? failing : Promise.resolve(items));
    const commit = new GroupCommit({ maxItems: 10, flush, failsToo: (_error, waitedMs) => waitedMs >= 20 });
    const first = commit.add(1);
    while (flushes === 0) await new Promise((resolve) => setImmediate(resolve));
    const early = commit.add(2);
    const from = performance.now();
    while (performance.now() - from < 25) await new Promise((resolve) => setImmediate(resolve));
    const late = commit.add(3);
    fail(new Error('away'));
    expect(await Promise.allSettled([first, early, late])).toMatchObject([
      { status: 'rejected', reason: { message: 'away' } },
      { status: 'rejected', reason: { message: 'away' } },
      { status: 'fulfilled', value: 3 },
    ]);
    expect(flushes).toBe(2);
  });
});
