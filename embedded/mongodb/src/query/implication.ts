import { keyString } from '../bson/keystring.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import type { Index } from '../catalog/index.js';
import { isEverything, within } from './interval.js';
import { conditionsOf, isOperators } from './predicates.js';
import type { Predicate } from './predicates.js';

/**
 * Whether every document that a query can match is in the index. Always so for a plain index; a sparse one needs a
 * condition that only an existing value meets, a partial one a filter that implies its own.
 */
export function holdsAllMatches(index: Index, filter: BDoc, predicates: Predicate[]): boolean {
  if (index.spec.partial) return implies(filter, predicates, index.spec.partial);
  if (!index.spec.sparse) return true;
  return predicates.some(({ path, impliesExists }) => impliesExists && index.paths.includes(path));
}

function implies(filter: BDoc, predicates: Predicate[], partial: BDoc): boolean {
  return partial.entries().every(([name, condition]) => {
    if (stated(filter, name, condition)) return true;
    if (name === '$and') return branches(condition).every((branch) => implies(filter, predicates, branch));
    if (name === '$or') return branches(condition).some((branch) => implies(filter, predicates, branch));
    if (name.startsWith('$')) return false;
    if (!isOperators(condition)) return covered(predicates, name, BDoc.of([name, condition]));
    return condition.entries().every(([operator, operand]) => {
      if (operator === '$exists')
        return operand !== false && predicates.some((one) => one.path === name && one.impliesExists);
      return (
        COMPARABLE.has(operator) && covered(predicates, name, BDoc.of([name, BDoc.of([operator, operand])]))
      );
    });
  });
}

const COMPARABLE = new Set(['$eq', '$in', '$gt', '$gte', '$lt', '$lte']);

/** Whether the query says the same in the same words. */
function stated(filter: BDoc, name: string, condition: BValue): boolean {
  return filter.entries().some(([other, value]) => {
    if (other === '$and') return branches(value).some((branch) => stated(branch, name, condition));
    return other === name && keyString([value]).equals(keyString([condition]));
  });
}

function covered(predicates: Predicate[], path: string, condition: BDoc): boolean {
  const outer = conditionsOf(condition).predicates[0]?.intervals;
  if (!outer || isEverything(outer)) return false;
  return predicates.some((one) => one.path === path && within(one.intervals, outer));
}

function branches(value: BValue): BDoc[] {
  return Array.isArray(value) ? value.filter((branch) => branch instanceof BDoc) : [];
}
