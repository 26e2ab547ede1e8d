import type { ContentFilter, FilterCondition, FilterValue } from '../../contracts/webhooks/content-filter.js';

const MAX_VISITED = 1_000;

/** Whether a payload is taken. */
export type PayloadTest = (payload: unknown) => boolean;

/**
 * Turns a filter that was checked into a function. Lists in the payload are looked into: a condition holds for a list
 * when it holds for one of its items, so `items.sku` names the `sku` of every item. `$ne` and `$nin` are the opposite of
 * `$eq` and `$in`. Numbers compare with numbers and texts with texts (by code units, which orders RFC 3339 times of one
 * zone); other pairs never hold. A missing member is not null. A term looks at no more than MAX_VISITED values, so that a
 * huge list costs no more than a long one.
 */
export function compileFilter(filter: ContentFilter): PayloadTest {
  const tests = Object.entries(filter).map(([key, value]): PayloadTest => {
    if (key === '$and') return every((value as ContentFilter[]).map(compileFilter));
    if (key === '$or') return some((value as ContentFilter[]).map(compileFilter));
    if (key === '$not') return not(compileFilter(value as ContentFilter));
    return memberTest(pathOf(key), conditionTest(asCondition(value as FilterValue | FilterCondition)));
  });
  return every(tests);
}

/** Judges the values that a path leads to; none when the member is missing. */
type ValuesTest = (values: readonly unknown[]) => boolean;

const asCondition = (value: FilterValue | FilterCondition): FilterCondition =>
  typeof value === 'object' && value !== null ? value : { $eq: value };

function conditionTest(condition: FilterCondition): ValuesTest {
  const tests = Object.entries(condition).map(([operator, operand]) =>
    operatorTest(operator as keyof FilterCondition, operand),
  );
  return (values) => tests.every((test) => test(values));
}

function operatorTest(operator: keyof FilterCondition, operand: unknown): ValuesTest {
  switch (operator) {
    case '$eq':
      return any((value) => value === operand);
    case '$ne':
      return none((value) => value === operand);
    case '$in':
      return any(isIn(operand as FilterValue[]));
    case '$nin':
      return none(isIn(operand as FilterValue[]));
    case '$gt':
      return any((value) => ordered(value, operand, (a, b) => a > b));
    case '$gte':
      return any((value) => ordered(value, operand, (a, b) => a >= b));
    case '$lt':
      return any((value) => ordered(value, operand, (a, b) => a < b));
    case '$lte':
      return any((value) => ordered(value, operand, (a, b) => a <= b));
    case '$exists':
      return (values) => values.length > 0 === operand;
    case '$startsWith':
      return any((value) => typeof value === 'string' && value.startsWith(operand as string));
    case '$endsWith':
      return any((value) => typeof value === 'string' && value.endsWith(operand as string));
    case '$not': {
      const inner = conditionTest(operand as FilterCondition);
      return (values) => !inner(values);
    }
  }
}

function memberTest(path: readonly string[], test: ValuesTest): PayloadTest {
  return (payload) => test(new PathWalk(path).values(payload));
}

/** Finds the values at a path, through lists; the items of a list stand beside the list itself. */
class PathWalk {
  readonly #found: unknown[] = [];
  #left = MAX_VISITED;

  constructor(private readonly path: readonly string[]) {}

  values(payload: unknown): readonly unknown[] {
    this.#visit(payload, 0);
    return this.#found;
  }

  #visit(value: unknown, at: number): void {
    if (this.#left-- <= 0) return;
    const name = this.path[at];
    if (name === undefined) this.#take(value);
    else if (Array.isArray(value)) this.#list(value, name, at);
    else if (isObject(value) && Object.hasOwn(value, name)) this.#visit(value[name], at + 1);
  }

  #list(items: readonly unknown[], name: string, at: number): void {
    if (INDEX.test(name) && Number(name) < items.length) this.#visit(items[Number(name)], at + 1);
    for (let i = 0; i < items.length && this.#left > 0; i++) {
      if (isObject(items[i])) this.#visit(items[i], at);
      else this.#left--;
    }
  }

  #take(value: unknown): void {
    this.#found.push(value);
    if (!Array.isArray(value)) return;
    for (const item of value.slice(0, this.#left)) this.#found.push(item);
    this.#left -= value.length;
  }
}

const INDEX = /^(0|[1-9][0-9]{0,5})$/;

const pathOf = (key: string): string[] =>
  key.startsWith('/')
    ? key
        .slice(1)
        .split('/')
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    : key.split('.');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether two values stand in an order; only two numbers or two texts have one. */
function ordered(
  a: unknown,
  b: unknown,
  order: (a: string | number, b: string | number) => boolean,
): boolean {
  if (typeof a === 'number' && typeof b === 'number') return order(a, b);
  return typeof a === 'string' && typeof b === 'string' && order(a, b);
}

const isIn = (values: readonly FilterValue[]) => {
  const set = new Set<unknown>(values);
  return (value: unknown) => set.has(value);
};
const any =
  (test: (value: unknown) => boolean): ValuesTest =>
  (values) =>
    values.some(test);
const none =
  (test: (value: unknown) => boolean): ValuesTest =>
  (values) =>
    !values.some(test);
const every =
  (tests: readonly PayloadTest[]): PayloadTest =>
  (payload) =>
    tests.every((test) => test(payload));
const some =
  (tests: readonly PayloadTest[]): PayloadTest =>
  (payload) =>
    tests.some((test) => test(payload));
const not =
  (test: PayloadTest): PayloadTest =>
  (payload) =>
    !test(payload);
