import { BSONRegExp } from 'bson';
import { compileUpdateStages } from '../agg/pipeline.js';
import { describe } from '../bson/expect.js';
import { compareText, equal, identical } from '../bson/keystring.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, badValue, failedToParse } from '../errors.js';
import type { EvalContext } from '../expr/compiler.js';
import { branches } from '../query/conditions.js';
import { isOperatorDocument } from '../query/leaf-predicate.js';
import { compileFilter, type Matcher } from '../query/matcher.js';
import { MODIFIERS, rename } from './modifiers.js';
import { applyChanges, arrayIdentifier, changedAt, claims, separate, updatePath } from './path-changes.js';
import type { PathChange } from './path-changes.js';

export interface UpdateOptions {
  readonly ctx: EvalContext;
  /** The filter that selected the document: for the positional `$` and for upserts. */
  readonly filter: BDoc;
  readonly arrayFilters?: readonly BDoc[] | undefined;
  readonly upsert?: boolean | undefined;
}

/** A compiled update, good for any number of documents. */
export interface Update {
  readonly kind: 'replacement' | 'operators' | 'pipeline';
  /** The changed document, or null if nothing changes. */
  apply(doc: BDoc): BDoc | null;
  /** The document that an upsert inserts, without `_id` if neither filter nor update gives it. */
  upsertBase(): BDoc;
}

type Change = (doc: BDoc, inserting: boolean) => BDoc;

/**
 * Compiles a replacement document, a document of update operators or an update pipeline.
 * @throws CommandError with MongoDB's code; `apply` throws ImmutableField (66), PathNotViable (28), TypeMismatch (14).
 */
export function compileUpdate(update: BDoc | readonly BValue[], options: UpdateOptions): Update {
  if (options.upsert && usesExpression(options.filter))
    throw new CommandError('QueryFeatureNotAllowed', 'the filter of an upsert cannot use $expr');
  const kind = kindOf(update);
  const change = changeOf(kind, update, options);
  // As in MongoDB a whole new document may write the same `_id` as a number of another type, an operator may not.
  const same = kind === 'operators' ? identical : equal;
  return {
    kind,
    apply: (doc) => {
      const next = change(doc, false);
      return next === doc ? null : withSameId(doc, next, same);
    },
    upsertBase: () => {
      const base = documentOf(options.filter, kind);
      return withSameId(base, change(base, true), same);
    },
  };
}

/** An expression does not say which fields an upsert would have to set. */
function usesExpression(filter: BDoc): boolean {
  return filter
    .entries()
    .some(
      ([name, value]) => name === '$expr' || (name.startsWith('$') && branches(value).some(usesExpression)),
    );
}

function kindOf(update: BDoc | readonly BValue[]): Update['kind'] {
  if (!(update instanceof BDoc)) return 'pipeline';
  return update.keys()[0]?.startsWith('$') ? 'operators' : 'replacement';
}

function changeOf(kind: Update['kind'], update: BDoc | readonly BValue[], options: UpdateOptions): Change {
  if (kind === 'operators') return compileOperators(update as BDoc, options);
  if (options.arrayFilters?.length) throw failedToParse('arrayFilters are for update operators only');
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

/**
 * The new document with its `_id`, else that of the old one, in front. As in MongoDB nothing changes only if the new one
 * is all of the old one, `_id` included, or if there is nothing to remove and nothing to add.
 */
function keepId(old: BDoc, next: BDoc): BDoc {
  if (identical(old, next) || (next.size === 0 && old.size === Number(old.has('_id')))) return old;
  const given = next.get('_id');
  const id = given === undefined ? old.get('_id') : given;
  if (id === undefined || next.keys()[0] === '_id') return next;
  return BDoc.fromEntries([['_id', id], ...next.entries().filter(([name]) => name !== '_id')]);
}

function withSameId(before: BDoc, after: BDoc, same: typeof equal): BDoc {
  const [old, id] = [before.get('_id'), after.get('_id')];
  if (old === undefined || old === id || same(old, id)) return after;
  const message = `The update would alter the immutable field '_id' to ${describe(id)}`;
  throw new CommandError('ImmutableField', message);
}

/** Compiles a document of update operators; the function returns the same document if nothing changes. */
function compileOperators(update: BDoc, { arrayFilters = [], ctx, filter }: UpdateOptions): Change {
  const filters = compileArrayFilters(arrayFilters, ctx);
  const changes = update.entries().flatMap(([operator, fields]) => changesOf(operator, fields, ctx));
  checkIdentifiers(filters, new Set(changes.flatMap(({ parts }) => parts.map(arrayIdentifier))));
  const ordered = separate(changes);
  let matcher: Matcher | undefined;
  return (doc, inserting) => {
    const position = (): number => {
      matcher ??= compileFilter(filter, ctx);
      const at = matcher.position(doc);
      if (at !== undefined) return at;
      throw badValue('The positional operator did not find the match needed from the query.');
    };
    const passes = (identifier: string, element: BValue): boolean => filters.get(identifier)!(element);
    return applyChanges(ordered, doc, { original: doc, inserting, position, passes });
  };
}

function changesOf(operator: string, fields: BValue, ctx: EvalContext): PathChange[] {
  const modifier = Object.hasOwn(MODIFIERS, operator) ? MODIFIERS[operator] : undefined;
  if (!modifier && operator !== '$rename')
    throw failedToParse(
      `Unknown modifier: ${operator}. Expected a valid update modifier or a pipeline as an array`,
    );
  if (!(fields instanceof BDoc))
    throw failedToParse(
      `Modifiers operate on fields, {${operator}: {<field>: ...}}, not on a ${typeName(fields)}`,
    );
  return fields.entries().flatMap(([path, argument]) => {
    const parts = updatePath(path);
    return modifier ? [{ parts, modifier: modifier(argument, ctx, operator) }] : rename(parts, argument);
  });
}

/** Tests of array elements by identifier. */
type ArrayFilters = Map<string, (element: BValue) => boolean>;

function compileArrayFilters(filters: readonly BDoc[], ctx: EvalContext): ArrayFilters {
  const compiled: ArrayFilters = new Map();
  for (const filter of filters) {
    const names = [...new Set(topLevelNames(filter))];
    const [name = ''] = names;
    if (names.length !== 1) {
      throw failedToParse(
        `An array filter must have a single top-level field name, found '${names.join("' and '")}'`,
      );
    }
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name))
      throw badValue(`Error parsing array filter: '${name}' must begin with a lowercase letter`);
    if (compiled.has(name))
      throw failedToParse(`Found multiple array filters with the same top-level field name ${name}`);
    const matcher = compileFilter(filter, ctx);
    compiled.set(name, (element) => matcher.matches(BDoc.of([name, element])));
  }
  return compiled;
}

function topLevelNames(filter: BDoc): string[] {
  return filter
    .entries()
    .flatMap(([key, value]) =>
      key.startsWith('$') ? branches(value).flatMap(topLevelNames) : [key.split('.')[0]!],
    );
}

/** Every identifier in a path needs its filter, and every filter must be used. */
function checkIdentifiers(filters: ArrayFilters, used: ReadonlySet<string | null>): void {
  const unknown = [...used].find((name) => name && !filters.has(name));
  if (unknown) throw badValue(`No array filter found for identifier '${unknown}'`);
  const unused = [...filters.keys()].find((name) => !used.has(name));
  if (unused) throw failedToParse(`The array filter for identifier '${unused}' was not used in the update`);
}

/**
 * The document that an upsert starts from: the equalities of its filter, also inside `$and`, by path; for a replacement
 * its `_id`. As in MongoDB an `$or` of one clause is that clause, and an `$in` or `$all` of one value an equality.
 * @throws CommandError 54, 111
 */
function documentOf(filter: BDoc, kind: Update['kind']): BDoc {
  let doc = BDoc.of();
  const matched = (path: string): string => `cannot infer query fields to set, '${path}' is matched twice`;
  const claim = claims((path) => new CommandError('NotSingleValueField', matched(path)));
  for (const [path, value] of equalities(filter).sort(([a], [b]) => compareText(a, b))) {
    if (kind === 'replacement' && path !== '_id') {
      if (!path.startsWith('_id.')) continue;
      const text = `field at '_id' must be exactly specified, field at sub-path '${path}' found`;
      throw new CommandError('NotExactValueField', text);
    }
    claim(path);
    doc = changedAt(doc, path.split('.'), () => value) as BDoc;
  }
  return doc;
}

function equalities(filter: BDoc): [string, BValue][] {
  return filter.entries().flatMap(([name, value]): [string, BValue][] => {
    const clauses = name === '$and' || (name === '$or' && (value as BValue[]).length === 1);
    if (clauses) return (value as BDoc[]).flatMap(equalities);
    return name.startsWith('$') ? [] : equalTo(value).map((one) => [name, one]);
  });
}

/** The values that a condition says its field has. */
function equalTo(condition: BValue): BValue[] {
  if (!isOperatorDocument(condition)) return condition instanceof BSONRegExp ? [] : [condition];
  return condition.entries().flatMap(([operator, operand]) => {
    if (operator === '$eq') return [operand];
    const list = operator === '$all' || operator === '$in' ? (operand as BValue[]) : [];
    const plain = list.every((one) => !(one instanceof BSONRegExp) && !isOperatorDocument(one));
    return plain && (operator === '$all' || list.length === 1) ? list : [];
  });
}
