import { compileUpdateStages } from '../agg/document-stages.js';
import { equal, identical } from '../bson/compare.js';
import { describe } from '../bson/describe.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileFilter } from '../query/matcher.js';
import { compileOperators } from './operators.js';
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
