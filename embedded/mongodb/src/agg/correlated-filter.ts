import { BSONRegExp } from 'bson';
import { BDoc, type BValue } from '../bson/values.js';

type Variables = ReadonlyMap<string, BValue | undefined>;

/**
 * A filter that every document passes which passes the `$match` at the head of a pipeline with variables, so that an index
 * can serve it. Variables stand only in `$expr`; of it `{$eq: ['$field', '$$variable']}` is used, the rest is left to
 * the `$match` itself.
 */
export function correlatedFilter(match: BDoc | null, vars: Variables): BDoc {
  if (!match) return BDoc.of();
  if (vars.size === 0) return match;
  const clauses = clausesOf(match, vars);
  return clauses.length === 0 ? BDoc.of() : BDoc.of(['$and', clauses]);
}

function clausesOf(match: BValue, vars: Variables): BDoc[] {
  if (!(match instanceof BDoc)) return [];
  return match.entries().flatMap(([key, value]): BDoc[] => {
    if (key === '$expr') return equalities(value, vars);
    if (key === '$and' && Array.isArray(value)) return value.flatMap((clause) => clausesOf(clause, vars));
    return key.startsWith('$') ? [] : [BDoc.of([key, value])];
  });
}

function equalities(expression: BValue, vars: Variables): BDoc[] {
  const [operator, operands] = expression instanceof BDoc ? (expression.entries()[0] ?? []) : [];
  if (!Array.isArray(operands)) return [];
  if (operator === '$and') return operands.flatMap((one) => equalities(one, vars));
  if (operator !== '$eq') return [];
  return [operands, operands.toReversed()].flatMap(([field, variable]) => {
    if (typeof field !== 'string' || !/^\$[^$]/.test(field)) return [];
    const value =
      typeof variable === 'string' && variable.startsWith('$$') ? vars.get(variable.slice(2)) : undefined;
    // An expression compares a path through an array as a list, a filter does not: such values stay with the $match.
    if (value === undefined || Array.isArray(value) || value instanceof BSONRegExp) return [];
    return [BDoc.of([field.slice(1), BDoc.of(['$eq', value])])];
  });
}
