import { BSONRegExp } from 'bson';
import { asNumber } from '../bson/arithmetic.js';
import { keyString } from '../bson/keystring.js';
import { BDoc, type BValue } from '../bson/values.js';
import { fields, integer, parseFields } from '../commands/schema.js';
import { CommandError, unsupported, failedToParse } from '../errors.js';
import { truthy } from '../expr/compiler.js';
import { evalContext } from '../expr/expression.js';
import { indexKeys, type IndexKeys } from '../query/index-keys.js';
import { isOperatorDocument } from '../query/leaf-predicate.js';
import { compileFilter } from '../query/matcher.js';
import type { IndexTable } from '../storage/tables.js';

/** `building` indexes are kept up to date by every write but are not yet used by reads. */
export type IndexState = 'building' | 'ready';

const NONE: IndexKeys = { keys: [], multikeyPaths: [] };

/** An index of a collection. */
export class Index {
  readonly paths: string[];
  readonly directions: (1 | -1)[];
  private readonly parts: string[][];
  /** The documents that a partial or sparse index holds. */
  private readonly holds: ((doc: BDoc) => boolean) | null;

  constructor(
    readonly spec: IndexSpec,
    readonly table: IndexTable,
    readonly state: IndexState,
    /** Paths that were an array in some document; they restrict what the planner may do. */
    readonly multikey: Set<string>,
  ) {
    this.paths = spec.key.keys();
    this.parts = this.paths.map((path) => path.split('.'));
    this.directions = directions(spec.key);
    const anyField = (): BDoc[] => this.paths.map((path) => BDoc.of([path, BDoc.of(['$exists', true])]));
    const held = spec.partial ?? (spec.sparse ? BDoc.of(['$or', anyField()]) : null);
    this.holds = held && compileFilter(held, evalContext()).matches;
  }

  /** Keys of a document in this index, and the paths where it holds arrays. */
  keysOf(doc: BDoc): IndexKeys {
    return this.holds && !this.holds(doc)
      ? NONE
      : indexKeys(doc, this.parts, this.directions, this.spec.sparse);
  }

  /** Whether some document has an array at or above a path. */
  hasArrayAt(path: string): boolean {
    return [...this.multikey].some((array) => path === array || path.startsWith(`${array}.`));
  }
}

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

const SPEC = fields(
  {
    doc: 'key partialFilterExpression',
    string: 'name',
    bool: 'unique sparse hidden',
    any: 'expireAfterSeconds',
    collation: 'collation',
    ignored: 'v ns background',
  },
  'InvalidIndexSpecificationOption',
);

const MAX_FIELDS = 32;
const MAX_EXPIRE_SECONDS = 2_147_483_647;

const cannot = (message: string): CommandError => new CommandError('CannotCreateIndex', message);

/** Checks one element of `createIndexes.indexes`. */
export function parseIndexSpec(input: BDoc): IndexSpec {
  const spec = readIndexSpec(input);
  const { name, key, partial, sparse, expireAfterSeconds } = spec;
  checkKey(key);
  if (name === '') throw cannot('index names cannot be empty');
  if (partial) {
    compileFilter(partial, evalContext());
    checkPartialFilter(partial);
    if (sparse) throw cannot('cannot mix "partialFilterExpression" and "sparse" options');
  }
  if (expireAfterSeconds !== null && key.size > 1)
    throw cannot('TTL indexes are single-field indexes, compound indexes do not support TTL');
  return spec;
}

/** A definition whose parts have their types. One that is stored is not checked further: rules become stricter. */
export function readIndexSpec(input: BDoc): IndexSpec {
  const args = parseFields('createIndexes.indexes', SPEC, input);
  const { name, key, partialFilterExpression: partial = null, expireAfterSeconds } = args;
  if (!key) throw failedToParse("The 'key' field is a required property of an index specification");
  if (name === undefined)
    throw failedToParse("The 'name' field is a required property of an index specification");
  const { unique = isIdKey(key), sparse = false, hidden = false } = args;
  const seconds = integer(expireAfterSeconds);
  if (expireAfterSeconds !== undefined && !isTtl(seconds))
    throw cannot(`TTL index 'expireAfterSeconds' must be 0 to ${MAX_EXPIRE_SECONDS}`);
  return { name, key, unique, sparse, hidden, partial, expireAfterSeconds: seconds ?? null };
}

const PLUGINS: ReadonlySet<BValue> = new Set(['hashed', 'text', '2d', '2dsphere']);

function checkKey(key: BDoc): void {
  if (key.size === 0) throw cannot('Index keys cannot be an empty object');
  if (key.size > MAX_FIELDS) throw cannot(`an index may have ${MAX_FIELDS} fields, got ${key.size}`);
  for (const [path, direction] of key.entries()) {
    if (PLUGINS.has(direction)) throw unsupported(`an index of type '${direction as string}'`);
    if (typeof direction === 'string') throw cannot(`Unknown index plugin '${direction}'`);
    if (path.includes('$**')) throw unsupported('a wildcard index');
    if (!asNumber(direction))
      throw cannot(`Values in the index key pattern must be non-zero numbers, got field '${path}'`);
    if (path.split('.').includes('')) throw cannot(`Index keys cannot contain an empty field, got '${path}'`);
    if (/^\$|\.\$(?!(ref|id|db)(\.|$))/.test(path))
      throw cannot(`Index key contains an illegal field name: '${path}'`);
  }
}

const IN_PARTIAL_FILTERS = new Set('$eq $gt $gte $lt $lte $in $exists $type $comment'.split(' '));

/** Only conditions whose implication can be decided may make a partial index, as in MongoDB. */
function checkPartialFilter(filter: BDoc): void {
  const refuse = (what: string): never => {
    throw cannot(`Expression not supported in partial index: ${what}`);
  };
  for (const [name, value] of filter.entries()) {
    if (name === '$and' || name === '$or') (value as BDoc[]).forEach(checkPartialFilter);
    else if (name.startsWith('$') && name !== '$comment') refuse(name);
    for (const [operator, operand] of isOperatorDocument(value)
      ? value.entries()
      : [['$eq', value] as const]) {
      const absent = operator === '$exists' && !truthy(operand);
      const pattern = [operand].flat().some((one) => one instanceof BSONRegExp);
      if (absent || pattern || !IN_PARTIAL_FILTERS.has(operator))
        refuse(pattern ? 'a regular expression' : operator);
    }
  }
}

export function isIdKey(key: BDoc): boolean {
  return key.size === 1 && key.has('_id');
}

/** Descending fields as -1, all others as 1. */
export function directions(key: BDoc): (1 | -1)[] {
  return key.entries().map(([, direction]) => (asNumber(direction) < 0 ? -1 : 1));
}

/** The definition as `listIndexes` shows it and as it is stored: that `_id_` is unique goes without saying. */
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
export function identity({ key, partial, unique, sparse }: IndexSpec): string {
  return keyString([key, partial, unique, sparse]).toString('latin1');
}

export function isTtl(seconds: number | undefined): seconds is number {
  return seconds !== undefined && seconds >= 0 && seconds <= MAX_EXPIRE_SECONDS;
}
