import type { BDoc } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import type { EvalContext } from '../expr/context.js';
import { execute } from './execute.js';
import type { Found, ReadStats, Reading } from './execute.js';
import { compileFilter } from './matcher.js';
import type { Matcher } from './matcher.js';
import { plan as choosePlan } from './planner.js';
import type { Plan } from './planner.js';
import { compileSort } from './sort.js';
import type { Sort } from './sort.js';
import { sorted } from './sort-stage.js';

/** A read of one collection, before projection. */
export interface FindQuery {
  filter: BDoc;
  sort?: BDoc | undefined;
  hint?: string | BDoc | undefined;
  skip?: number | undefined;
  limit?: number | undefined;
  allowDiskUse?: boolean | undefined;
}

/** A read with its plan, ready to run. */
export interface PreparedFind {
  plan: Plan;
  stats: ReadStats;
  /** The index of the matched array element, for the positional projection and update. */
  position(doc: BDoc): number | undefined;
  /** Whether a document matches, asked again before it is changed. */
  matches(doc: BDoc): boolean;
  run(epoch: () => number): Reading<Found>;
}

/** Parses the filter (and so refuses a wrong one even where there is no collection) and plans the read. */
export function prepareFind(
  collection: Collection | undefined,
  query: FindQuery,
  context: EvalContext,
): PreparedFind {
  let compiled: Matcher | null = null;
  const matcher = (): Matcher => (compiled ??= compileFilter(query.filter, context));
  const sort =
    query.sort && query.sort.size > 0 && !query.sort.has('$natural') ? compileSort(query.sort) : null;
  const plan: Plan = collection
    ? choosePlan(collection, { filter: query.filter, sort: sortParts(query.sort, sort), hint: query.hint })
    : { kind: 'none', sorted: true };
  const stats: ReadStats = { keysExamined: 0, docsExamined: 0 };
  const unfiltered = plan.kind === 'id' || query.filter.size === 0;
  const matches = unfiltered ? null : matcher().matches;
  return {
    plan,
    stats,
    position: (doc) => matcher().position(doc),
    matches: (doc) => matcher().matches(doc),
    *run(epoch) {
      if (!collection) return;
      const wanted = plan.sorted ? window(query) : 0;
      const found = execute(collection, plan, { matches, stats, epoch, wanted });
      const ordered =
        sort && !plan.sorted ? sorted(found, sort, window(query), query.allowDiskUse ?? true) : found;
      yield* limited(ordered, query.skip ?? 0, query.limit ?? 0);
    },
  };
}

function sortParts(spec: BDoc | undefined, sort: Sort | null): { path: string; direction: 1 | -1 }[] {
  if (sort) return [...sort.parts];
  const natural = spec?.get('$natural');
  return natural === undefined ? [] : [{ path: '$natural', direction: Number(natural) < 0 ? -1 : 1 }];
}

/** How many documents of the sorted order can be asked for; 0 means all. */
function window({ skip = 0, limit = 0 }: FindQuery): number {
  return limit > 0 ? skip + limit : 0;
}

function* limited(found: Reading<Found>, skip: number, limit: number): Reading<Found> {
  let skipped = 0;
  let taken = 0;
  for (const one of found) {
    if (one && skipped < skip) {
      skipped += 1;
      continue;
    }
    yield one;
    if (!one) continue;
    taken += 1;
    if (taken === limit) return;
  }
}
