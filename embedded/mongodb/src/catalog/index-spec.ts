import { BSONRegExp } from 'bson';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { keyString } from '../bson/keystring.js';
import { CommandError, unsupported } from '../errors.js';
import { evalContext } from '../expr/context.js';
import { isOperatorDocument } from '../query/leaf-predicate.js';
import { compileFilter } from '../query/matcher.js';
import { integer } from '../commands/schema.js';

/** A checked index definition as `createIndexes` takes it. */
export interface IndexSpec {
  name: string;
  key: BDoc;
  unique: boolean;
  sparse: boolean;
  hidden: boolean;
  partial: BDoc | null;
  expireAfterSeconds: number | null;
}

const MAX_EXPIRE_SECONDS = 2_147_483_647;

/** Checks one element of `createIndexes.indexes`. Options that nothing here depends on are refused, not dropped. */
export function parseIndexSpec(input: BDoc): IndexSpec {
  const key = input.get('key');
  if (!(key instanceof BDoc))
    throw new CommandError(
      'FailedToParse',
      "The 'key' field is a required property of an index specification",
    );
  checkKey(key);
  const spec: IndexSpec = {
    name: defaultName(key),
    key,
    unique: false,
    sparse: false,
    hidden: false,
    partial: null,
    expireAfterSeconds: null,
  };
  for (const [option, value] of input.entries()) applyOption(spec, option, value);
  checkCombination(spec);
  return spec;
}

function applyOption(spec: IndexSpec, option: string, value: BValue): void {
  switch (option) {
    case 'key':
    case 'v':
    case 'ns':
    case 'background':
      return;
    case 'name':
      if (typeof value !== 'string' || value === '') throw mismatch(option, 'a non-empty string');
      spec.name = value;
      return;
    case 'unique':
    case 'sparse':
    case 'hidden':
      spec[option] = truth(option, value);
      return;
    case 'partialFilterExpression':
      if (!(value instanceof BDoc)) throw mismatch(option, 'an object');
      compileFilter(value, evalContext(new Date(0)));
      checkPartialFilter(value);
      spec.partial = value;
      return;
    case 'expireAfterSeconds':
      spec.expireAfterSeconds = seconds(value);
      return;
    case 'collation':
      if (value instanceof BDoc && value.get('locale') === 'simple') return;
      throw unsupported('a collated index');
    default:
      if (KNOWN_ELSEWHERE.has(option)) throw unsupported(`the index option '${option}'`);
      throw new CommandError(
        'InvalidIndexSpecificationOption',
        `The field '${option}' is not valid for an index specification`,
      );
  }
}

const KNOWN_ELSEWHERE = new Set([
  'storageEngine',
  'weights',
  'default_language',
  'language_override',
  'textIndexVersion',
  '2dsphereIndexVersion',
  'bits',
  'min',
  'max',
  'wildcardProjection',
  'clustered',
  'prepareUnique',
  'columnstoreProjection',
  'dropDups',
]);

function checkKey(key: BDoc): void {
  if (key.size === 0) throw new CommandError('CannotCreateIndex', 'Index keys cannot be an empty object');
  if (key.size > 32)
    throw new CommandError('CannotCreateIndex', `an index may have 32 fields, got ${key.size}`);
  for (const [path, direction] of key.entries()) {
    if (typeof direction === 'string') throw unsupported(`an index of type '${direction}'`);
    if (path.includes('$**')) throw unsupported('a wildcard index');
    const number = asNumber(direction);
    if (number === undefined || number === 0 || Number.isNaN(number)) {
      throw new CommandError(
        'CannotCreateIndex',
        `Values in the index key pattern must be non-zero numbers, got field '${path}'`,
      );
    }
    if (path === '' || path.split('.').some((part) => part === '')) {
      throw new CommandError('CannotCreateIndex', `Index keys cannot contain an empty field, got '${path}'`);
    }
    if (path.startsWith('$'))
      throw new CommandError('CannotCreateIndex', `Index key contains an illegal field name: '${path}'`);
  }
}

/** Only conditions whose implication can be decided may make a partial index, as in MongoDB. */
function checkPartialFilter(filter: BDoc): void {
  for (const [name, value] of filter.entries()) {
    if (name === '$and' || name === '$or') (value as BDoc[]).forEach(checkPartialFilter);
    else if (name.startsWith('$') && name !== '$comment') throw notInPartial(name);
    else if (value instanceof BSONRegExp) throw notInPartial('a regular expression');
    else if (isOperatorDocument(value)) checkPartialOperators(value);
  }
}

function checkPartialOperators(operators: BDoc): void {
  for (const [name, operand] of operators.entries()) {
    const patterns = Array.isArray(operand) && operand.some((one) => one instanceof BSONRegExp);
    const absent = name === '$exists' && (operand === false || operand === null || asNumber(operand) === 0);
    if (!IN_PARTIAL_FILTERS.has(name) || (name === '$in' && patterns) || absent) throw notInPartial(name);
  }
}

const IN_PARTIAL_FILTERS = new Set('$eq $gt $gte $lt $lte $in $exists $type $comment'.split(' '));

function notInPartial(what: string): CommandError {
  return new CommandError('CannotCreateIndex', `Expression not supported in partial index: ${what}`);
}

function checkCombination(spec: IndexSpec): void {
  const id = isIdKey(spec.key);
  if (spec.partial && spec.sparse) {
    throw new CommandError('CannotCreateIndex', 'cannot mix "partialFilterExpression" and "sparse" options');
  }
  if (id && (spec.partial || spec.sparse || spec.hidden || spec.expireAfterSeconds !== null)) {
    throw new CommandError(
      'InvalidIndexSpecificationOption',
      'the _id index takes no sparse, partial, hidden or TTL option',
    );
  }
  if (spec.expireAfterSeconds !== null && spec.key.size > 1) {
    throw new CommandError(
      'CannotCreateIndex',
      'TTL indexes are single-field indexes, compound indexes do not support TTL',
    );
  }
}

/** `{a: 1, b: -1}` is named `a_1_b_-1`. */
export function defaultName(key: BDoc): string {
  return key
    .entries()
    .map(([path, direction]) => `${path}_${String(asNumber(direction))}`)
    .join('_');
}

export function isIdKey(key: BDoc): boolean {
  return key.size === 1 && key.has('_id');
}

/** Descending fields as -1, all others as 1. */
export function directions(key: BDoc): (1 | -1)[] {
  return key.entries().map(([, direction]) => ((asNumber(direction) ?? 1) < 0 ? -1 : 1));
}

/** The definition as `listIndexes` shows it and as it is stored. */
export function specDocument(spec: IndexSpec): BDoc {
  const document = BDoc.of(['v', 2], ['key', spec.key], ['name', spec.name]);
  if (spec.unique && !isIdKey(spec.key)) document.set('unique', true);
  if (spec.sparse) document.set('sparse', true);
  if (spec.partial) document.set('partialFilterExpression', spec.partial);
  if (spec.expireAfterSeconds !== null) document.set('expireAfterSeconds', spec.expireAfterSeconds);
  if (spec.hidden) document.set('hidden', true);
  return document;
}

/** Two definitions with this identity may not exist side by side: same key, partial filter, uniqueness and sparseness. */
export function identity(spec: IndexSpec): string {
  const key = spec.key.entries().map(([path, direction]) => `${path}:${String(asNumber(direction))}`);
  const filter = keyString([spec.partial ?? null]).toString('latin1');
  return `${key.join(',')}|${spec.unique}|${spec.sparse}|${filter}`;
}

/** The options beside its identity that must agree when a definition is created again. */
export function sameOptions(a: IndexSpec, b: IndexSpec): boolean {
  return a.expireAfterSeconds === b.expireAfterSeconds;
}

/** A TTL in seconds, or error 67. */
export function seconds(value: BValue): number {
  const number = integer(value);
  if (number !== undefined && number >= 0 && number <= MAX_EXPIRE_SECONDS) return number;
  throw new CommandError(
    'CannotCreateIndex',
    `TTL index 'expireAfterSeconds' must be 0 to ${MAX_EXPIRE_SECONDS}`,
  );
}

/** A boolean option; numbers count too. */
export function truth(option: string, value: BValue): boolean {
  if (typeof value === 'boolean') return value;
  const number = asNumber(value);
  if (number === undefined) throw mismatch(option, 'a boolean');
  return number !== 0;
}

function asNumber(value: BValue): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'boolean' || typeof value === 'string' ? undefined : integer(value);
}

function mismatch(option: string, expected: string): CommandError {
  return new CommandError('TypeMismatch', `the index option '${option}' must be ${expected}`);
}
