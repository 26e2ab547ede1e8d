import { BSONRegExp } from 'bson';
import { typeName } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { EVERYTHING, pointOf, prefixOf, rangeOf, union } from './interval.js';
import type { Interval, RangeOperator } from './interval.js';

/** What one condition of a filter says about the index keys of a path: a superset of what it matches. */
export interface Predicate {
  path: string;
  intervals: Interval[];
  /** True if a document that matches has a value there, so that a sparse index holds it. */
  impliesExists: boolean;
  /** The `$elemMatch` that the condition stands in; only conditions of one element may be combined on an array. */
  element: Element | null;
}

/** One `$elemMatch`: an element of the array at `path`. */
export interface Element {
  path: string;
}

/** The conditions of a filter that an index can serve. What is left out is checked on the documents. */
export interface Conditions {
  predicates: Predicate[];
  /** The branches of each top-level `$or`. */
  ors: BDoc[][];
}

/** Reads the conditions that all must hold (`$and` is flattened). */
export function conditionsOf(filter: BDoc): Conditions {
  const found: Conditions = { predicates: [], ors: [] };
  new Reader(found).filter(filter, '', null);
  return found;
}

class Reader {
  constructor(private readonly found: Conditions) {}

  filter(filter: BDoc, prefix: string, element: Element | null): void {
    for (const [name, value] of filter.entries()) {
      if (name === '$and' && Array.isArray(value)) {
        for (const branch of value) if (branch instanceof BDoc) this.filter(branch, prefix, element);
      } else if (name === '$or' && Array.isArray(value) && prefix === '') {
        if (value.every((branch) => branch instanceof BDoc)) this.found.ors.push(value as BDoc[]);
      } else if (!name.startsWith('$')) {
        this.field(prefix + name, value, element);
      }
    }
  }

  private field(path: string, condition: BValue, element: Element | null): void {
    if (condition instanceof BSONRegExp) this.add(path, regex(condition), element, true);
    else if (!isOperators(condition)) this.operator(path, '$eq', condition, element);
    else for (const [name, operand] of condition.entries()) this.operator(path, name, operand, element);
  }

  private operator(path: string, name: string, operand: BValue, element: Element | null): void {
    switch (name) {
      case '$eq':
        if (isKey(operand)) this.add(path, points([operand]), element, !isNull(operand));
        return;
      case '$in':
        if (Array.isArray(operand) && operand.every(isKey)) {
          this.add(path, points(operand), element, !operand.some(isNull));
        }
        return;
      case '$gt':
      case '$gte':
      case '$lt':
      case '$lte':
        if (isKey(operand)) this.range(path, name, operand, element);
        return;
      case '$exists':
        this.exists(path, operand, element);
        return;
      case '$regex':
        if (operand instanceof BSONRegExp) this.add(path, regex(operand), element, true);
        return;
      case '$all':
        if (Array.isArray(operand) && operand.length > 0 && operand.every(isKey)) {
          for (const value of operand)
            if (!isOperators(value)) this.add(path, [pointOf(value)], null, !isNull(value));
        }
        return;
      case '$elemMatch':
        if (operand instanceof BDoc) this.elemMatch(path, operand);
        return;
    }
  }

  private range(path: string, name: RangeOperator, operand: BValue, element: Element | null): void {
    // `{$gte: null}` also matches a missing field.
    this.add(path, isNull(operand) ? points([null]) : [rangeOf(name, operand)], element, !isNull(operand));
  }

  private exists(path: string, operand: BValue, element: Element | null): void {
    const wanted = operand !== false && operand !== 0 && operand !== null;
    this.add(path, wanted ? [EVERYTHING] : points([null]), element, wanted);
  }

  private elemMatch(path: string, operand: BDoc): void {
    const element = { path };
    const names = operand.keys();
    if (!isOperators(operand as BValue)) {
      // `{"0": x}` inside an element reaches into arrays of arrays, which have keys of another kind.
      if (!names.some((name) => /^\d/.test(name))) this.filter(operand, `${path}.`, element);
      return;
    }
    for (const [name, value] of operand.entries()) {
      // A null or nested array as element has keys of its own; such conditions are left to the filter.
      if (!(isNull(value) || name === '$exists' || name === '$elemMatch'))
        this.operator(path, name, value, element);
    }
  }

  private add(path: string, intervals: Interval[], element: Element | null, impliesExists: boolean): void {
    this.found.predicates.push({ path, intervals, element, impliesExists });
  }
}

/** `{$gt: 5}` holds operators, `{a: 5}` is a value to compare with. */
export function isOperators(value: BValue): value is BDoc {
  return (
    value instanceof BDoc &&
    value.size > 0 &&
    (value.keys()[0] as string).startsWith('$') &&
    !value.has('$ref')
  );
}

/** Arrays and regular expressions match in other ways than by one key. */
function isKey(value: BValue): boolean {
  return !Array.isArray(value) && !(value instanceof BSONRegExp);
}

/** A missing value has the key of null, an empty array on the way the key of undefined: null looks for both. */
function points(values: BValue[]): Interval[] {
  const missing = values.some(isNull) ? [pointOf(undefined)] : [];
  return union([...missing, ...values.map(pointOf)]);
}

function isNull(value: BValue): boolean {
  return value === null || typeName(value) === 'undefined';
}

/** A pattern anchored to a literal prefix bounds the strings; any pattern also equals itself as a stored value. */
function regex(value: BSONRegExp): Interval[] {
  const literal =
    value.options === '' && !value.pattern.includes('|') ? /^\^([\w @:/#-]+)(.?)/.exec(value.pattern) : null;
  if (!literal) return [EVERYTHING];
  const [, text = '', next = ''] = literal;
  const prefix = '?*{'.includes(next) && next !== '' ? text.slice(0, -1) : text;
  return prefix === '' ? [EVERYTHING] : union([prefixOf(prefix), pointOf(value)]);
}
