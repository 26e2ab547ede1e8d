import { committed, given, leaseStart } from './poller-lease.js';

const until = new Date(1_000);
const page = (...ids: string[]) => ({ ids, last: `${ids.at(-1) ?? 'x'}+` });

describe('the position of a consumer that commits', () => {
  it('moves when everything is committed, past what was looked at and not wanted', () => {
    const position = given(leaseStart('m0'), page('m1', 'm2'), until);
    expect(position).toMatchObject({ after: 'm0', offset: 1, ids: ['m1', 'm2'], until });
    expect(committed(position, 2)).toEqual({
      ...{ after: 'm2+', offset: 3, ids: [], last: 'm2+', until: new Date(0) },
    });
  });

  it('moves as far as was committed, and the rest stays given', () => {
    const position = given(leaseStart('m0'), page('m1', 'm2', 'm3'), until);
    const half = committed(position, 1)!;
    expect(half).toMatchObject({ after: 'm1', offset: 2, ids: ['m2', 'm3'], until });
    expect(committed(half, 3)).toMatchObject({ after: 'm3+', offset: 4, ids: [] });
  });

  it('a commit that is repeated, or older than another, changes nothing', () => {
    const position = committed(given(leaseStart('m0'), page('m1', 'm2'), until), 2)!;
    expect(committed(position, 2)).toBe(position);
    expect(committed(position, 1)).toBe(position);
  });

  it('what was never given cannot be committed', () => {
    expect(committed(leaseStart('m0'), 1)).toBeNull();
    expect(committed(given(leaseStart('m0'), page('m1'), until), 2)).toBeNull();
  });

  it('the same messages keep their offsets when they are given again, in a longer page or a shorter one', () => {
    const position = given(leaseStart('m0'), page('m1', 'm2'), until);
    expect(given(position, page('m1', 'm2', 'm3'), until)).toMatchObject({ offset: 1, last: 'm3+' });
    const shorter = given(position, page('m1'), new Date(2_000));
    expect(shorter).toMatchObject({ offset: 1, until: new Date(2_000) });
    expect(committed(shorter, 2)).toMatchObject({ after: 'm2+', offset: 3 });
  });

  it('other messages in their place get offsets that no late commit can mean', () => {
    const position = given(leaseStart('m0'), page('m1', 'm2'), until);
    const changed = given(position, page('m2', 'm4'), until);
    expect(changed).toMatchObject({ after: 'm0', offset: 3, ids: ['m2', 'm4'] });
    expect(committed(changed, 2)).toBe(changed);
    const emptied = given(position, { ids: [], last: 'm9' }, until);
    expect(given(emptied, page('m10'), until)).toMatchObject({ after: 'm9', offset: 3, ids: ['m10'] });
  });

  it('a page without messages moves it at once', () => {
    expect(given(leaseStart('m0'), { ids: [], last: 'm9' }, until)).toEqual({
      ...{ after: 'm9', offset: 1, ids: [], last: 'm9', until: new Date(0) },
    });
  });
});
