import { BDoc, type BValue } from '../../bson/values.js';
import type { Collection } from '../../catalog/collection.js';
import { failedToParse } from '../../errors.js';
import type { EvalContext } from '../../expr/compiler.js';
import { killed, prepareFind, type FindQuery, type Found, type PreparedFind } from '../../query/find.js';
import type { Engine } from '../../storage/engine.js';
import type { WriteSteps } from '../../storage/write-queue.js';
import { compileUpdate } from '../../update/update.js';

/** Which documents a statement changes: the first that matches, or with `multi` all. */
export interface Selection extends Pick<FindQuery, 'filter' | 'hint' | 'sort'> {
  ns: string;
  multi?: boolean | undefined;
  context: EvalContext;
}

/** A document as it is to be stored. `literal`: empty timestamps are kept instead of being set to now. */
interface Stored {
  ns: string;
  literal?: boolean | undefined;
}

export interface UpdateStatement extends Selection, Stored {
  kind: 'update';
  update: BDoc | BValue[];
  upsert?: boolean | undefined;
  arrayFilters?: BDoc[] | undefined;
}

/** One write on one collection, whichever command it came in. */
export type Statement =
  (Stored & { kind: 'insert'; document: BDoc }) | UpdateStatement | (Selection & { kind: 'delete' });

/** What a statement did. */
export interface Effect {
  /** Documents that were inserted, deleted, or matched by an update. */
  n: number;
  modified: number;
  /** The `_id` of an upserted document. */
  upserted?: BValue;
  /** The one document of a statement without `multi`, before and after. */
  before: BDoc | null;
  after: BDoc | null;
}

/** Runs a statement inside a write batch. */
export function* runStatement(engine: Engine, statement: Statement): WriteSteps<Effect> {
  if (statement.kind === 'insert') {
    const { literal, document } = statement;
    return insert(engine, statement.ns, literal ? document : engine.writes.stamped(document));
  }
  const { ns, filter, hint, sort, multi, context } = statement;
  const query = { filter, hint, sort, limit: multi ? 0 : 1 };
  const prepared = prepareFind(engine.catalog.get(ns), query, context);
  if (statement.kind === 'delete') {
    return yield* changeFound(engine, statement, prepared, (collection, { rid, doc }) => {
      engine.writes.delete(collection, rid, doc);
      return null;
    });
  }
  const { arrayFilters, literal, upsert } = statement;
  const given = statement.update;
  const stamped = given instanceof BDoc && !literal ? engine.writes.stamped(given) : given;
  const update = compileUpdate(stamped, { ctx: context, filter, arrayFilters, upsert });
  if (multi && update.kind === 'replacement')
    throw failedToParse('multi update is not supported for replacement-style update');
  const effect = yield* changeFound(engine, statement, prepared, (collection, { rid, doc }) => {
    const after = update.apply(doc);
    if (after) engine.writes.update(collection, rid, doc, after);
    return after;
  });
  if (effect.n > 0 || !upsert) return effect;
  const upserted = insert(engine, ns, update.upsertBase());
  return { ...upserted, upserted: upserted.after?.get('_id') as BValue };
}

function insert(engine: Engine, ns: string, document: BDoc): Effect {
  const after = engine.writes.insert(engine.collectionForWrite(ns), document);
  return { n: 1, modified: 0, before: null, after };
}

/** Changes a document and returns what it is now, or null if it is as it was or gone. */
type Change = (collection: Collection, found: Found) => BDoc | null;

/**
 * Of many, finds all first and changes then, so that no document is met again because the change moved it in an index.
 * Each is read again before it is changed, because others may write between the steps.
 */
function* changeFound(
  engine: Engine,
  { ns, multi }: Selection,
  prepared: PreparedFind,
  change: Change,
): WriteSteps<Effect> {
  const effect: Effect = { n: 0, modified: 0, before: null, after: null };
  const apply = (found: Found): void => {
    const after = change(engine.collectionForWrite(ns), found);
    effect.n += 1;
    effect.modified += after ? 1 : 0;
    effect.before = found.doc;
    effect.after = after ?? found.doc;
  };
  const uuid = engine.catalog.get(ns)?.uuid;
  const rids: number[] = [];
  for (const found of prepared.run()) {
    if (found && multi) {
      rids.push(found.rid);
    } else if (found) {
      apply(found);
      break;
    } else if (multi) {
      // A single write must not be interrupted between look and change.
      yield;
    }
  }
  for (const rid of rids) {
    const collection = engine.catalog.get(ns);
    if (!collection || !uuid?.equals(collection.uuid)) throw killed(ns);
    const bytes = collection.records.get(rid);
    const doc = bytes && BDoc.fromBytes(bytes);
    if (doc && prepared.matches(doc)) apply({ rid, doc });
    yield;
  }
  return effect;
}
