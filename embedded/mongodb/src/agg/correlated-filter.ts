import { BSONRegExp } from 'bson';
import { BDoc, type BValue } from '../bson/values.js';

/**
 * A filter that every document passes which passes the `$match` at the head of a pipeline with variables, so that an index
 * can serve it. Variables stand only in `$expr`; of it `{$eq: ['$field', '$$variable']}` is used, the rest is left to
 * the `$match` itself.
 */
export function correlatedFilter(match: BDoc | null, vars: ReadonlyMap<string, BValue | undefined>): BDoc {
  if (!match) return BDoc.of();
  if (vars.size === 0) return match;
  const clauses = clausesOf(match, vars);
  return clauses.length === 0 ? BDoc.of() : BDoc.of(['$and', clauses]);
}

function clausesOf(match: BDoc, vars: ReadonlyMap<string, BValue | undefined>): BDoc[] {
  return match.entries().flatMap(([key, value]): BDoc[] => {
    if (key === '$expr') return equalities(value, vars);
    if (key === '$and' && Array.isArray(value)) {
      return value.flatMap((clause) => (clause instanceof BDoc ? clausesOf(clause, vars) : []));
    }
    return key.startsWith('$') ? [] : [BDoc.of([key, value])];
  });
}

function equalities(expression: BValue, vars: ReadonlyMap<string, BValue | undefined>): BDoc[] {
  if (!(expression instanceof BDoc) || expression.size !== 1) return [];
  const [operator, operands] = expression.entries()[0]!;
  if (!Array.isArray(operands)) return [];
  if (operator === '$and') return operands.flatMap((one) => equalities(one, vars));
  if (operator !== '$eq' || operands.length !== 2) return [];
  const [a, b] = operands as [BValue, BValue];
  const found = equality(a, b, vars) ?? equality(b, a, vars);
  return found ? [found] : [];
}

function equality(
  field: BValue,
  variable: BValue,
  vars: ReadonlyMap<string, BValue | undefined>,
): BDoc | null {
  if (typeof field !== 'string' || !/^\$[^$]/.test(field)) return null;
  if (typeof variable !== 'string' || !variable.startsWith('$$')) return null;
  const value = vars.get(variable.slice(2));
  // An expression compares a path through an array as a list, a filter does not: such values stay with the $match.
  if (value === undefined || Array.isArray(value) || value instanceof BSONRegExp) return null;
  return BDoc.of([field.slice(1), BDoc.of(['$eq', value])]);
}
