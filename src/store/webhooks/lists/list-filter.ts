import { ksuidFloor } from '../../../domain/ksuid.js';
import { facet } from '../../../domain/webhooks/facets.js';
import type { BoundedScan } from '../../bounded-page.js';

type Filter = Record<string, unknown>;

interface Window {
  before?: Date | undefined;
  after?: Date | undefined;
}

interface Labels extends Window {
  channel?: string | undefined;
  tag?: string | undefined;
  event_types?: string[] | undefined;
}

/** Values that are read side by side at most; more of them become a condition on each row. */
const MAX_BRANCHES = 16;

/** Exclusive times as a range of ids, because ids carry their time: no index on times is needed. */
export function idWindow(prefix: 'msg' | 'atmpt' | 'dlv', { before, after }: Window): Filter {
  if (before === undefined && after === undefined) return {};
  return {
    _id: {
      ...(before === undefined ? {} : { $lt: `${prefix}_${ksuidFloor(before.getTime())}` }),
      ...(after === undefined ? {} : { $gte: `${prefix}_${ksuidFloor(after.getTime() + 1)}` }),
    },
  };
}

/** The filters that all lists share, as facets: each group must be met by one of its facets. */
export function labelGroups({ tag, channel, event_types: types }: Labels): string[][] {
  return [
    ...(tag === undefined ? [] : [[facet.tag(tag)]]),
    ...(channel === undefined ? [] : [[facet.channel(channel)]]),
    ...(types === undefined || types.length === 0 ? [] : [[...new Set(types)].map(facet.type)]),
  ];
}

/**
 * The ways to read what meets every group: by one of them, and the others are checked on each row.
 *
 * @param owner whose rows, with the window of ids: `{ep, _id?}`
 */
export function facetScans(owner: Filter, groups: string[][]): [BoundedScan, ...BoundedScan[]] {
  const scans = groups
    .filter((group) => group.length <= MAX_BRANCHES)
    .map((group) => ({
      branches: group.map((k) => ({ ...owner, k })),
      rest: facetRest(groups.filter((other) => other !== group)),
    }));
  const [first = { branches: [owner], rest: facetRest(groups) }, ...more] = scans;
  return [first, ...more];
}

/** That a row meets every group; null when there is none. */
export const facetRest = (groups: string[][]): Filter | null => (groups.length === 0 ? null : allOf(groups));

const allOf = (groups: string[][]): Filter => ({ $and: groups.map((group) => ({ k: { $in: group } })) });
