import { equal } from '../bson/compare.js';
import { describe } from '../bson/describe.js';
import { identical } from '../bson/compare.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { compileUpdateStages } from '../agg/update-stages.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileOperators } from './operators.js';
import { compileFilter } from '../query/matcher.js';
import { documentOf } from './upsert.js';

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

/**
 * Compiles a replacement document, a document of update operators or an update pipeline.
 * @throws CommandError with MongoDB's code; `apply` throws ImmutableField (66), PathNotViable (28), TypeMismatch (14).
 */
export function compileUpdate(update: BDoc | readonly BValue[], options: UpdateOptions): Update {
  const { kind, change, filterFields } = parse(update, options);
  return {
    kind,
    apply: (doc) => {
      const next = change(doc, false);
      checkId(kind, doc, next, false);
      return next === doc || (kind !== 'operators' && identical(next, doc)) ? null : next;
    },
    upsertBase: () => {
      compileFilter(options.filter, options.ctx);
      const base = documentOf(options.filter, filterFields === 'all' ? undefined : '_id');
      const next = change(base, true);
      checkId(kind, base, next, true);
      return idFirst(next);
    },
  };
}

interface Parsed {
  readonly kind: Update['kind'];
  readonly change: (doc: BDoc, inserting: boolean) => BDoc;
  /** Which equalities of the filter an upsert starts from. */
  readonly filterFields: 'all' | '_id';
}

function parse(update: BDoc | readonly BValue[], options: UpdateOptions): Parsed {
  if (!(update instanceof BDoc)) {
    const run = compileUpdateStages(update, options.ctx);
    refuseArrayFilters(options);
    return { kind: 'pipeline', change: (doc) => keepId(doc, run(doc)), filterFields: 'all' };
  }
  if (update.keys()[0]?.startsWith('$')) {
    return { kind: 'operators', change: compileOperators(update, options), filterFields: 'all' };
  }
  refuseArrayFilters(options);
  checkReplacement(update);
  return { kind: 'replacement', change: (doc) => keepId(doc, update), filterFields: '_id' };
}

function refuseArrayFilters(options: UpdateOptions): void {
  if (!options.arrayFilters?.length) return;
  throw new CommandError(
    'FailedToParse',
    'arrayFilters may not be specified for replacements or pipeline-style updates',
  );
}

function checkReplacement(replacement: BDoc): void {
  const operator = replacement.keys().find((key) => key.startsWith('$'));
  if (operator === undefined) return;
  throw new CommandError(
    'DollarPrefixedFieldName',
    `The dollar ($) prefixed field '${operator}' in '${operator}' is not allowed in the context of an update's replacement ` +
      'document. Consider using an aggregation pipeline with $replaceWith.',
  );
}

/** The new document with the `_id` of the old one in front, where the new one says nothing else. */
function keepId(old: BDoc, next: BDoc): BDoc {
  const id = old.get('_id');
  if (id === undefined) return next;
  const own = next.get('_id');
  if (own !== undefined && !equal(own, id)) return next;
  if (next.keys()[0] === '_id' && identical(own, id)) return next;
  const rest = next.entries().filter(([name]) => name !== '_id');
  return BDoc.of(['_id', id], ...rest);
}

function checkId(kind: Update['kind'], before: BDoc, after: BDoc, inserting: boolean): void {
  if (before === after) return;
  const old = before.get('_id');
  const now = after.get('_id');
  if (old === undefined && inserting) {
    if (now !== undefined) checkIdType(now);
    return;
  }
  if (equal(old, now)) return;
  throw new CommandError(
    'ImmutableField',
    kind === 'operators'
      ? "Performing an update on the path '_id' would modify the immutable field '_id'"
      : `After applying the update, the (immutable) field '_id' was found to have been altered to _id: ${describe(now)}`,
  );
}

function checkIdType(id: BValue): void {
  const type = typeName(id);
  if (type !== 'array' && type !== 'regex' && type !== 'undefined') return;
  throw new CommandError('InvalidIdField', `The '_id' value cannot be of type ${type}`);
}

function idFirst(doc: BDoc): BDoc {
  const keys = doc.keys();
  if (keys[0] === '_id' || !keys.includes('_id')) return doc;
  return BDoc.of(['_id', doc.get('_id')!], ...doc.entries().filter(([name]) => name !== '_id'));
}
