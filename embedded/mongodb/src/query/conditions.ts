import { BSONRegExp } from 'bson';
import { Undefined } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { truthy, type EvalContext } from '../expr/compiler.js';
import { EVERYTHING, isEverything, isUnordered, pointOf, prefixOf, rangeOf, union } from './interval.js';
import type { Interval, RangeOperator } from './interval.js';
import { isOperatorDocument } from './leaf-predicate.js';
import type { Scan } from './planner.js';

/** What one condition of a filter says about the index keys of a path: a superset of what it matches. */
export interface Condition {
  path: string;
  intervals: Interval[];
  /** They hold what it matches and nothing else, where no array is on the way. */
  exact: boolean;
  /** A document that matches has a value there, so that a sparse index holds it. */
  exists: boolean;
}

/** What an index can do for a filter; all else is left to the filter, which is checked on every document. */
export interface Conditions {
  /** Conditions that all must hold (`$and` is flattened). */
  all: Condition[];
  /** The branches of each top-level `$or`. */
  ors: BDoc[][];
  /** `all` is the whole filter, and each condition is exact. */
  exact: boolean;
}

export function conditionsOf(
  filter: BDoc,
  vars: EvalContext['vars'] = new Map(),
  prefix = '',
  found: Conditions = { all: [], ors: [], exact: true },
): Conditions {
  for (const [name, value] of filter.entries()) {
    if (name === '$and') for (const branch of branches(value)) conditionsOf(branch, vars, prefix, found);
    else if (!name.startsWith('$')) addField(prefix + name, value, found);
    else {
      if (name === '$or' && prefix === '') found.ors.push(branches(value));
      if (name === '$expr') addEqualities(value, vars, found);
      found.exact = false;
    }
  }
  return found;
}

/** What `$and` or `$or` joins; the filter may not have been checked yet. */
export function branches(value: BValue): BDoc[] {
  return Array.isArray(value) ? value.filter((branch) => branch instanceof BDoc) : [];
}

/** Of an `$expr` the equalities of a field and a variable, as in the pipeline of a `$lookup`. */
function addEqualities(expression: BValue, vars: EvalContext['vars'], found: Conditions): void {
  const [operator, operands] = expression instanceof BDoc ? (expression.entries()[0] ?? []) : [];
  if (!Array.isArray(operands)) return;
  if (operator === '$and') for (const one of operands) addEqualities(one, vars, found);
  if (operator !== '$eq') return;
  for (const [field, variable] of [operands, operands.toReversed()]) {
    if (typeof field !== 'string' || !/^\$[^$]/.test(field) || typeof variable !== 'string') continue;
    const value = variable.startsWith('$$') ? vars.get(variable.slice(2)) : undefined;
    if (value !== undefined && value !== null) add(field.slice(1), '$eq', value, found);
  }
}

function addField(path: string, value: BValue, found: Conditions): void {
  if (value instanceof BSONRegExp) return add(path, '$regex', value, found);
  if (!isOperatorDocument(value)) return add(path, '$eq', value, found);
  for (const [name, operand] of value.entries()) {
    if (name === '$elemMatch' || name === '$all') found.exact = false;
    if (name === '$elemMatch') addElement(path, operand, found);
    // Options may stand beside the pattern, and they make it match other strings.
    else if (name === '$regex' && value.has('$options')) found.exact = false;
    else if (name !== '$all') add(path, name, operand, found);
    else if (Array.isArray(operand))
      for (const one of operand) if (!isOperatorDocument(one)) add(path, '$eq', one, found);
  }
}

/** Conditions on the elements of an array. Null, nested arrays and names of positions have keys of other kinds. */
function addElement(path: string, operand: BValue, found: Conditions): void {
  if (!isOperatorDocument(operand)) {
    if (operand instanceof BDoc && !operand.keys().some((name) => /^\d/.test(name)))
      conditionsOf(operand, undefined, `${path}.`, found);
    return;
  }
  // What a position holds is one key, an array too.
  if (POSITION.test(path)) return;
  for (const [name, value] of operand.entries())
    if (RANGES.has(name) || name === '$eq' || name === '$in')
      if (![value].flat().includes(null)) add(path, name, value, found);
}

const RANGES = new Set(['$gt', '$gte', '$lt', '$lte']);

/** A name of an array position; what stands there can be missing in one way and present in another. */
const POSITION = /\.\d+(\.|$)/;

function add(path: string, operator: string, operand: BValue, found: Conditions): void {
  const condition = read(operator, operand);
  const isPosition = POSITION.test(path);
  if (condition && (condition.exists || !isPosition)) found.all.push({ path, ...condition });
  if (!condition?.exact || isPosition) found.exact = false;
}

function read(operator: string, operand: BValue): Omit<Condition, 'path'> | null {
  switch (operator) {
    case '$eq':
      return isKey(operand) ? { intervals: points([operand]), exists: operand !== null, exact: true } : null;
    case '$in':
      if (!Array.isArray(operand) || !operand.every(isKey)) return null;
      return { intervals: points(operand), exists: !operand.includes(null), exact: true };
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return isKey(operand) ? range(operator, operand) : null;
    case '$exists': {
      const exists = truthy(operand);
      return { intervals: exists ? [EVERYTHING] : points([null]), exists, exact: false };
    }
    case '$regex':
      return operand instanceof BSONRegExp
        ? { intervals: pattern(operand), exists: true, exact: false }
        : null;
    default:
      return null;
  }
}

function range(operator: RangeOperator, operand: BValue): Omit<Condition, 'path'> {
  // `{$gte: null}` also matches a missing field, and so do comparisons with MinKey and MaxKey.
  if (operand === null) return { intervals: points([null]), exists: false, exact: false };
  const ordered = !isUnordered(operand);
  return { intervals: [rangeOf(operator, operand)], exists: ordered, exact: ordered };
}

/** Arrays and regular expressions match in other ways than by one key, and filters refuse undefined. */
export function isKey(value: BValue): boolean {
  return !Array.isArray(value) && !(value instanceof BSONRegExp) && !(value instanceof Undefined);
}

/** A missing value has the key of null, an empty array on the way the key of undefined: null looks for both. */
function points(values: BValue[]): Interval[] {
  return union([...(values.includes(null) ? [pointOf(undefined)] : []), ...values.map(pointOf)]);
}

/** A pattern anchored to a literal prefix bounds the strings; any pattern also equals itself as a stored value. */
function pattern(value: BSONRegExp): Interval[] {
  const literal =
    value.options === '' && !value.pattern.includes('|') ? /^\^([\w @:/#-]+)(.?)/.exec(value.pattern) : null;
  if (!literal) return [EVERYTHING];
  const [, text = '', next = ''] = literal;
  const prefix = next !== '' && '?*{'.includes(next) ? text.slice(0, -1) : text;
  return prefix === '' ? [EVERYTHING] : union([prefixOf(prefix), pointOf(value)]);
}

/**
 * Whether the keys in a scan's ranges are exactly the documents that a filter matches, each once: then they can be
 * counted and passed over without reading documents. KeyStrings lose nothing for this: two values have the same key
 * exactly when they compare equal, and no range leaves its type.
 */
export function isExact({ index, bounds, equalities, range }: Scan, { all, exact }: Conditions): boolean {
  if (!exact || !all.every(({ path }) => index.paths.includes(path))) return false;
  // Fields behind the first range are not in the ranges of keys, and a descending range may be a little too wide.
  if (!bounds.slice(equalities + Number(range)).every(isEverything)) return false;
  if (range && index.directions[equalities] === -1) return false;
  // A document has several keys where it has an array, but never one twice: it is met once below one value.
  const arrays = index.paths.filter((path) => index.hasArrayAt(path));
  const ofArrays = all.filter(({ path }) => arrays.includes(path));
  return arrays.length === 0 || (arrays.length === 1 && ofArrays.length === 1 && isOneValue(ofArrays[0]!));
}

const isOneValue = ({ intervals: [one, ...more], exists }: Conditions['all'][number]): boolean =>
  exists && more.length === 0 && one?.point === true;
