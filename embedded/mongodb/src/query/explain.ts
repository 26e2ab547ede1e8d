import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { shellText } from '../storage/duplicate-key.js';
import type { Interval } from './interval.js';
import type { IndexPlan, Plan } from './planner.js';

/** A plan as the tree of stages that MongoDB's tools read. */
export function stagesOf(
  plan: Plan,
  filter: BDoc,
  options: { sort?: BDoc | undefined; limit?: number | undefined },
): BDoc {
  let stage = access(plan, filter);
  if (options.sort && options.sort.size > 0 && !plan.sorted) {
    stage = BDoc.of(['stage', 'SORT'], ['sortPattern', options.sort], ['inputStage', stage]);
  }
  if (options.limit)
    stage = BDoc.of(['stage', 'LIMIT'], ['limitAmount', options.limit], ['inputStage', stage]);
  return stage;
}

function access(plan: Plan, filter: BDoc): BDoc {
  switch (plan.kind) {
    case 'none':
      return BDoc.of(['stage', 'EOF']);
    case 'id':
      return BDoc.of(
        ['stage', 'IDHACK'],
        ['keyPattern', plan.index.spec.key],
        ['indexName', plan.index.spec.name],
      );
    case 'scan':
      return withFilter(BDoc.of(['stage', 'COLLSCAN']), filter).set(
        'direction',
        plan.reverse ? 'backward' : 'forward',
      );
    case 'or': {
      const union = BDoc.of(['stage', 'OR'], ['inputStages', plan.branches.map(indexScan)]);
      return withFilter(BDoc.of(['stage', 'FETCH']), filter).set('inputStage', union);
    }
    case 'index':
      return withFilter(BDoc.of(['stage', 'FETCH']), filter).set('inputStage', indexScan(plan));
  }
}

function withFilter(stage: BDoc, filter: BDoc): BDoc {
  return filter.size > 0 ? stage.set('filter', filter) : stage;
}

function indexScan({ index, bounds, reverse }: IndexPlan): BDoc {
  const { spec, multikey } = index;
  const multiKeyPaths = index.paths.map((path): [string, BValue] => [
    path,
    [...multikey].filter((array) => path === array || path.startsWith(`${array}.`)),
  ]);
  const indexBounds = index.paths.map((path, at): [string, BValue] => [
    path,
    (bounds.fields[at] ?? []).map(intervalText),
  ]);
  return BDoc.of(
    ['stage', 'IXSCAN'],
    ['keyPattern', spec.key],
    ['indexName', spec.name],
    ['isMultiKey', multikey.size > 0],
    ['multiKeyPaths', BDoc.of(...multiKeyPaths)],
    ['isUnique', spec.unique],
    ['isSparse', spec.sparse],
    ['isPartial', spec.partial !== null],
    ['indexVersion', 2],
    ['direction', reverse ? 'backward' : 'forward'],
    ['indexBounds', BDoc.of(...indexBounds)],
  );
}

function intervalText({ ends: [from, to] }: Interval): string {
  const low = from.value === undefined ? 'MinKey' : shellText(from.value);
  const high = to.value === undefined ? 'MaxKey' : shellText(to.value);
  return `${from.closed || from.value === undefined ? '[' : '('}${low}, ${high}${to.closed || to.value === undefined ? ']' : ')'}`;
}
