import { BSONRegExp } from 'bson';
import { compileUpdateStages } from '../agg/document-stages.js';
import { describe } from '../bson/expect.js';
import { equal, identical } from '../bson/keystring.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { isOperatorDocument } from '../query/leaf-predicate.js';
import { compileFilter, type Matcher } from '../query/matcher.js';
import { addRename, MODIFIERS } from './modifiers.js';
import { addModifier, applyTree, arrayIdentifier, updatePath, type UpdateNode } from './update-tree.js';

export interface UpdateOptions {
  readonly ctx: EvalContext;
  /** The filter that selected the document: for the positional `$` and for upserts. */
  readonly filter: BDoc;
  readonly arrayFilters?: readonly BDoc[] | undefined;
}

/** A compiled update, good for any number of documents. */
export interface Update {
  readonly kind: 'replacement' | 'operators' | 'pipeline';
  /** The changed document, or null if nothing changes. */
  apply(doc: BDoc): BDoc | null;
  /** The document that an upsert inserts, `_id` first; without one if neither filter nor update gives it. */
  upsertBase(): BDoc;
}

type Change = (doc: BDoc, inserting: boolean) => BDoc;

/**
 * Compiles a replacement document, a document of update operators or an update pipeline.
 * @throws CommandError with MongoDB's code; `apply` throws ImmutableField (66), PathNotViable (28), TypeMismatch (14).
 */
export function compileUpdate(update: BDoc | readonly BValue[], options: UpdateOptions): Update {
  const kind = kindOf(update);
  const change = changeOf(kind, update, options);
  return {
    kind,
    apply: (doc) => {
      const next = change(doc, false);
      if (next === doc || (kind !== 'operators' && identical(next, doc))) return null;
      if (!equal(doc.get('_id'), next.get('_id'))) throw idChanged(next);
      return next;
    },
    upsertBase: () => {
      compileFilter(options.filter, options.ctx);
      const base = documentOf(options.filter, kind === 'replacement' ? '_id' : undefined);
      const next = change(base, true);
      const id = next.get('_id');
      if (base.has('_id') && !equal(base.get('_id'), id)) throw idChanged(next);
      if (id === undefined) return next;
      if (['array', 'regex', 'undefined'].includes(typeName(id))) {
        throw new CommandError('InvalidIdField', `The '_id' value cannot be of type ${typeName(id)}`);
      }
      return idFirst(id, next);
    },
  };
}

function kindOf(update: BDoc | readonly BValue[]): Update['kind'] {
  if (!(update instanceof BDoc)) return 'pipeline';
  return update.keys()[0]?.startsWith('$') ? 'operators' : 'replacement';
}

function changeOf(kind: Update['kind'], update: BDoc | readonly BValue[], options: UpdateOptions): Change {
  if (kind === 'operators') return compileOperators(update as BDoc, options);
  if (options.arrayFilters?.length) {
    throw new CommandError('FailedToParse', 'arrayFilters are for update operators only');
  }
  if (kind === 'pipeline') {
    const run = compileUpdateStages(update as BValue[], options.ctx);
    return (doc) => keepId(doc, run(doc));
  }
  const replacement = update as BDoc;
  const operator = replacement.keys().find((key) => key.startsWith('$'));
  if (operator !== undefined) {
    const message = `The dollar ($) prefixed field '${operator}' is not allowed in a replacement document.`;
    throw new CommandError('DollarPrefixedFieldName', message);
  }
  return (doc) => keepId(doc, replacement);
}

/** The new document with the `_id` of the old one in front, where the new one says nothing else. */
function keepId(old: BDoc, next: BDoc): BDoc {
  const id = old.get('_id');
  const own = next.get('_id');
  return id === undefined || (own !== undefined && !equal(own, id)) ? next : idFirst(id, next);
}

function idFirst(id: BValue, doc: BDoc): BDoc {
  if (doc.keys()[0] === '_id' && identical(doc.get('_id'), id)) return doc;
  return BDoc.of(['_id', id], ...doc.entries().filter(([name]) => name !== '_id'));
}

function idChanged(after: BDoc): CommandError {
  const id = describe(after.get('_id'));
  return new CommandError('ImmutableField', `The update would alter the immutable field '_id' to ${id}`);
}

const failed = (message: string): CommandError => new CommandError('FailedToParse', message);
const bad = (message: string): CommandError => new CommandError('BadValue', message);

/** Compiles a document of update operators; the function returns the same document if nothing changes. */
export function compileOperators(
  update: BDoc,
  options: UpdateOptions,
): (doc: BDoc, inserting: boolean) => BDoc {
  const filters = compileArrayFilters(options.arrayFilters ?? [], options.ctx);
  const tree = new Map<string, UpdateNode>();
  const used = new Set<string>();
  for (const [operator, fields] of update.entries()) addOperator(tree, operator, fields, options.ctx, used);
  checkIdentifiers(filters, used);
  let matcher: Matcher | undefined;
  return (doc, inserting) => {
    const position = (): number => {
      matcher ??= compileFilter(options.filter, options.ctx);
      const at = matcher.position(doc);
      if (at !== undefined) return at;
      throw bad('The positional operator did not find the match needed from the query.');
    };
    const passes = (identifier: string, element: BValue): boolean => filters.get(identifier)!(element);
    return applyTree(tree, doc, '', { original: doc, inserting, position, passes }) as BDoc;
  };
}

function addOperator(
  tree: Map<string, UpdateNode>,
  operator: string,
  fields: BValue,
  ctx: EvalContext,
  identifiers: Set<string>,
): void {
  const modifier = Object.hasOwn(MODIFIERS, operator) ? MODIFIERS[operator] : undefined;
  if (!modifier && operator !== '$rename') {
    throw failed(`Unknown modifier: ${operator}. Expected a valid update modifier or a pipeline as an array`);
  }
  if (!(fields instanceof BDoc)) {
    throw failed(`Modifiers operate on fields, {${operator}: {<field>: ...}}, not on a ${typeName(fields)}`);
  }
  for (const [path, argument] of fields.entries()) {
    const parts = updatePath(path);
    for (const part of parts) identifiers.add(arrayIdentifier(part) ?? '');
    if (modifier) addModifier(tree, parts, modifier(argument, ctx, operator));
    else addRename(tree, path, argument);
  }
}

/** Tests of array elements by identifier. */
type ArrayFilters = Map<string, (element: BValue) => boolean>;

function compileArrayFilters(filters: readonly BDoc[], ctx: EvalContext): ArrayFilters {
  const compiled: ArrayFilters = new Map();
  for (const filter of filters) {
    const names = [...new Set(topLevelNames(filter))];
    const [name = ''] = names;
    if (names.length !== 1) {
      throw failed(
        `An array filter must have a single top-level field name, found '${names.join("' and '")}'`,
      );
    }
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
      throw bad(`Error parsing array filter: '${name}' must begin with a lowercase letter`);
    }
    if (compiled.has(name))
      throw failed(`Found multiple array filters with the same top-level field name ${name}`);
    const matcher = compileFilter(filter, ctx);
    compiled.set(name, (element) => matcher.matches(BDoc.of([name, element])));
  }
  return compiled;
}

function topLevelNames(filter: BDoc): string[] {
  return filter.entries().flatMap(([key, value]) => {
    if (!key.startsWith('$')) return [key.split('.')[0]!];
    const clauses = Array.isArray(value) ? value : [];
    return clauses.flatMap((clause) => (clause instanceof BDoc ? topLevelNames(clause) : []));
  });
}

/** Every identifier in a path needs its filter, and every filter must be used. */
function checkIdentifiers(filters: ArrayFilters, used: ReadonlySet<string>): void {
  const unknown = [...used].find((name) => name !== '' && !filters.has(name));
  if (unknown) throw bad(`No array filter found for identifier '${unknown}'`);
  const unused = [...filters.keys()].find((name) => !used.has(name));
  if (unused) throw failed(`The array filter for identifier '${unused}' was not used in the update`);
}

/**
 * The document that an upsert starts from: the equalities of its filter, also inside `$and`. As in MongoDB an `$or` of
 * one clause is that clause, and an `$in` or `$all` of one value an equality. @throws CommandError 54
 */
export function documentOf(filter: BDoc, only?: '_id'): BDoc {
  const found = new Map<string, BValue>();
  collect(filter, found);
  const doc = BDoc.of();
  for (const [path, value] of found)
    if (only === undefined || path === only) put(doc, path.split('.'), value);
  return doc;
}

function collect(filter: BDoc, found: Map<string, BValue>): void {
  for (const [name, value] of filter.entries()) {
    const clauses = name === '$and' || (name === '$or' && (value as BValue[]).length === 1);
    if (clauses) for (const clause of value as BDoc[]) collect(clause, found);
    else if (!name.startsWith('$')) collectField(name, value, found);
  }
}

function collectField(path: string, value: BValue, found: Map<string, BValue>): void {
  if (!isOperatorDocument(value)) {
    if (!(value instanceof BSONRegExp)) add(path, value, found);
    return;
  }
  for (const [operator, operand] of value.entries()) {
    if (operator === '$eq') add(path, operand, found);
    if (operator !== '$all' && operator !== '$in') continue;
    const list = operand as BValue[];
    const plain = list.every((one) => !(one instanceof BSONRegExp) && !isOperatorDocument(one));
    if (plain && (operator === '$all' || list.length === 1)) for (const one of list) add(path, one, found);
  }
}

function add(path: string, value: BValue, found: Map<string, BValue>): void {
  for (const other of found.keys()) {
    if (`${other}.`.startsWith(`${path}.`) || path.startsWith(`${other}.`)) {
      throw new CommandError(
        'NotSingleValueField',
        `cannot infer query fields to set, '${other}' and '${path}' are matched`,
      );
    }
  }
  found.set(path, value);
}

function put(doc: BDoc, [name, ...rest]: string[], value: BValue): void {
  if (rest.length === 0) {
    doc.set(name!, value);
    return;
  }
  const child = doc.get(name!);
  const next = child instanceof BDoc ? child : BDoc.of();
  doc.set(name!, next);
  put(next, rest, value);
}
