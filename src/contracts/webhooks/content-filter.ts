import { z } from 'zod';

/** A value that payload values are compared with. */
export type FilterValue = string | number | boolean | null;

/** What must hold for one member of the payload. Several operators in one condition must all hold. */
export interface FilterCondition {
  $eq?: FilterValue;
  $ne?: FilterValue;
  $gt?: string | number;
  $gte?: string | number;
  $lt?: string | number;
  $lte?: string | number;
  $in?: FilterValue[];
  $nin?: FilterValue[];
  $exists?: boolean;
  $startsWith?: string;
  $endsWith?: string;
  $not?: FilterCondition;
}

/**
 * Which payloads an endpoint takes: `{"priority": {"$in": ["high", "urgent"]}, "asset.plant": "P7"}`. A member is
 * named by its path with dots, or by a JSON pointer (`/asset/plant`) where a name has dots itself. All members must
 * hold; `$and`, `$or` and `$not` combine filters.
 */
export interface ContentFilter {
  $and?: ContentFilter[];
  $or?: ContentFilter[];
  $not?: ContentFilter;
  [path: string]: FilterValue | FilterCondition | ContentFilter | ContentFilter[] | undefined;
}

export const FILTER_LIMITS = { depth: 5, terms: 50, values: 100, text: 1_024, path: 256 } as const;

const OPERATORS =
  '$eq $ne $gt $gte $lt $lte $in $nin $exists $startsWith $endsWith $not, and $and $or $not around filters';

interface FilterFault {
  path: (string | number)[];
  message: string;
}

export const contentFilter = z
  .record(z.string(), z.unknown(), { error: 'expected a content filter: an object of member paths' })
  .superRefine((filter, context) => {
    for (const { path, message } of filterFaults(filter)) context.addIssue({ code: 'custom', path, message });
  })
  .meta({
    type: 'object',
    additionalProperties: true,
    description: `Which payloads are taken, by member path: a value, or operators ${OPERATORS}. Depth up to ${FILTER_LIMITS.depth}, up to ${FILTER_LIMITS.terms} terms.`,
    example: { priority: { $in: ['high', 'urgent'] }, 'asset.plant': 'P7' },
  });

/** Everything that is wrong with a filter, each with its place; the first 20. */
export function filterFaults(filter: unknown): FilterFault[] {
  const check = new FilterCheck();
  check.filter(filter, [], 1);
  if (check.terms > FILTER_LIMITS.terms) {
    check.fail([], `expected at most ${FILTER_LIMITS.terms} terms, got ${check.terms}`);
  }
  return check.faults.slice(0, 20);
}

class FilterCheck {
  readonly faults: FilterFault[] = [];
  terms = 0;

  fail(path: (string | number)[], message: string): void {
    this.faults.push({ path, message });
  }

  filter(value: unknown, path: (string | number)[], depth: number): void {
    if (!this.#isNode(value, path, depth)) return;
    for (const [key, item] of Object.entries(value)) {
      const place = [...path, key];
      if (key === '$and' || key === '$or') this.#filters(item, place, depth);
      else if (key === '$not') this.filter(item, place, depth + 1);
      else if (key.startsWith('$')) this.fail(place, `expected a member path or one of ${OPERATORS}`);
      else this.#member(key, item, place, depth);
    }
  }

  #filters(value: unknown, path: (string | number)[], depth: number): void {
    if (!Array.isArray(value) || value.length === 0 || value.length > FILTER_LIMITS.terms) {
      this.fail(path, `expected a list of 1 to ${FILTER_LIMITS.terms} filters`);
    } else value.forEach((item, i) => this.filter(item, [...path, i], depth + 1));
  }

  #member(name: string, value: unknown, path: (string | number)[], depth: number): void {
    if (
      name.length === 0 ||
      name.length > FILTER_LIMITS.path ||
      name.includes('\0') ||
      (name.startsWith('/') && /~(?![01])/.test(name))
    )
      this.fail(
        path,
        `expected a member path of 1 to ${FILTER_LIMITS.path} characters without U+0000, or a JSON pointer`,
      );
    if (isObject(value)) this.#condition(value, path, depth);
    else this.#operator('$eq', value, path, depth);
  }

  #condition(value: unknown, path: (string | number)[], depth: number): void {
    if (!this.#isNode(value, path, depth)) return;
    for (const [key, item] of Object.entries(value)) this.#operator(key, item, [...path, key], depth);
  }

  #operator(operator: string, value: unknown, path: (string | number)[], depth: number): void {
    if (operator === '$not') {
      this.#condition(value, path, depth + 1);
      return;
    }
    this.terms++;
    const expected = wrongOperand(operator, value);
    if (expected !== null) this.fail(path, expected);
  }

  #isNode(value: unknown, path: (string | number)[], depth: number): value is Record<string, unknown> {
    if (depth > FILTER_LIMITS.depth) this.fail(path, `expected at most ${FILTER_LIMITS.depth} levels`);
    else if (!isObject(value) || Object.keys(value).length === 0)
      this.fail(path, 'expected an object with at least one member');
    else return true;
    return false;
  }
}

const VALUE = `a text of at most ${FILTER_LIMITS.text} characters, a number, true, false or null`;

/** What was expected where the operand does not fit its operator; null when it fits. */
function wrongOperand(operator: string, value: unknown): string | null {
  switch (operator) {
    case '$eq':
    case '$ne':
      return isValue(value) ? null : `expected ${VALUE}`;
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return isText(value) || typeof value === 'number' ? null : 'expected a number or a text';
    case '$in':
    case '$nin': {
      const fits = Array.isArray(value) && value.length <= FILTER_LIMITS.values && value.every(isValue);
      return fits && value.length > 0
        ? null
        : `expected a list of 1 to ${FILTER_LIMITS.values}, each ${VALUE}`;
    }
    case '$exists':
      return typeof value === 'boolean' ? null : 'expected true or false';
    case '$startsWith':
    case '$endsWith':
      return isText(value) ? null : `expected a text of at most ${FILTER_LIMITS.text} characters`;
    default:
      return `expected one of ${OPERATORS}`;
  }
}

const isText = (value: unknown) => typeof value === 'string' && value.length <= FILTER_LIMITS.text;

const isValue = (value: unknown) =>
  value === null || typeof value === 'number' || typeof value === 'boolean' || isText(value);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
