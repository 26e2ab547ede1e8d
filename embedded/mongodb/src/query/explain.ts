import { BDoc, type BValue } from '../bson/values.js';
import type { Plan, Scan } from './planner.js';

/** A plan as the tree of stages that MongoDB's tools read. */
export function stagesOf(
  plan: Plan,
  filter: BDoc,
  { sort, limit }: { sort?: BDoc | undefined; limit?: number | undefined },
): BDoc {
  let stage = access(plan, filter);
  if (sort && sort.size > 0 && !plan.sorted)
    stage = BDoc.of(['stage', 'SORT'], ['sortPattern', sort], ['inputStage', stage]);
  return limit ? BDoc.of(['stage', 'LIMIT'], ['limitAmount', limit], ['inputStage', stage]) : stage;
}

function access({ scans, exact, reverse }: Plan, filter: BDoc): BDoc {
  const checked: [string, BValue][] = filter.size > 0 ? [['filter', filter]] : [];
  if (!scans) return BDoc.of(['stage', 'COLLSCAN'], ...checked, ['direction', directionText(reverse)]);
  const [only] = scans;
  if (!only) return BDoc.of(['stage', 'EOF']);
  if (exact) {
    const { key, name } = only.index.spec;
    return BDoc.of(['stage', 'IDHACK'], ['keyPattern', key], ['indexName', name]);
  }
  const inputs = scans.map((scan) => indexScan(scan, reverse));
  const input = scans.length > 1 ? BDoc.of(['stage', 'OR'], ['inputStages', inputs]) : inputs[0]!;
  return BDoc.of(['stage', 'FETCH'], ...checked, ['inputStage', input]);
}

function indexScan({ index: { spec, multikey } }: Scan, reverse: boolean): BDoc {
  return BDoc.of(
    ['stage', 'IXSCAN'],
    ['keyPattern', spec.key],
    ['indexName', spec.name],
    ['isMultiKey', multikey.size > 0],
    ['isUnique', spec.unique],
    ['isSparse', spec.sparse],
    ['isPartial', spec.partial !== null],
    ['direction', directionText(reverse)],
  );
}

function directionText(reverse: boolean): string {
  return reverse ? 'backward' : 'forward';
}
