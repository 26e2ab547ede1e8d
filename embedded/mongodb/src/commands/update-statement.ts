import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { prepareFind } from '../query/find.js';
import type { PreparedFind } from '../query/find.js';
import type { Found } from '../query/find.js';
import type { Engine } from '../storage/engine.js';
import type { WriteSteps } from '../storage/write-queue.js';
import { compileUpdate } from '../update/update.js';
import type { Update } from '../update/update.js';

/** One update, whichever command it came in. */
export interface UpdateStatement {
  ns: string;
  filter: BDoc;
  update: BDoc | BValue[];
  multi: boolean;
  upsert: boolean;
  arrayFilters?: BDoc[] | undefined;
  hint?: string | BDoc | undefined;
  sort?: BDoc | undefined;
  /** An upsert keeps empty timestamps instead of setting them to now. */
  bypassEmptyTsReplacement?: boolean | undefined;
  context: EvalContext;
}

/** What a single update met: the document before and after, or the one it inserted. */
export interface UpdateEffect {
  matched: number;
  modified: number;
  before: BDoc | null;
  after: BDoc | null;
  upserted: BDoc | null;
}

/** Runs an update inside a write batch. */
export function* runUpdate(engine: Engine, statement: UpdateStatement): WriteSteps<UpdateEffect> {
  const { filter, context, multi } = statement;
  const collection = engine.catalog.get(statement.ns);
  const find = { filter, hint: statement.hint, sort: statement.sort, limit: multi ? 0 : 1 };
  const prepared = prepareFind(collection, find, context);
  const update = compileUpdate(statement.update, {
    ctx: context,
    filter,
    arrayFilters: statement.arrayFilters,
  });
  if (multi && update.kind === 'replacement') {
    throw new CommandError('FailedToParse', 'multi update is not supported for replacement-style update');
  }
  const effect = multi
    ? yield* updateAll(engine, statement.ns, prepared, update)
    : updateOne(engine, statement.ns, first(prepared, engine), update);
  return effect.matched === 0 && statement.upsert ? insertInstead(engine, statement, update) : effect;
}

/** The first document of a read, taken without a pause: a write must not be interrupted between look and change. */
export function first(prepared: PreparedFind, engine: Engine): Found | null {
  for (const found of prepared.run(engine.epoch)) if (found) return found;
  return null;
}

const NOTHING: UpdateEffect = { matched: 0, modified: 0, before: null, after: null, upserted: null };

function updateOne(engine: Engine, ns: string, found: Found | null, update: Update): UpdateEffect {
  if (!found) return NOTHING;
  const after = update.apply(found.doc);
  if (after) engine.writes.update(engine.collectionForWrite(ns), found.rid, found.doc, after);
  return {
    matched: 1,
    modified: after ? 1 : 0,
    before: found.doc,
    after: after ?? found.doc,
    upserted: null,
  };
}

/**
 * Finds first and changes then, so that no document is met again because the change moved it in an index. Each one is
 * read again before it is changed, because others may write between the steps.
 */
function* updateAll(
  engine: Engine,
  ns: string,
  prepared: PreparedFind,
  update: Update,
): WriteSteps<UpdateEffect> {
  const rids = yield* matchingRecords(engine, prepared);
  const effect = { ...NOTHING };
  for (const rid of rids) {
    const bytes = engine.catalog.get(ns)?.records.get(rid);
    const doc = bytes && BDoc.fromBytes(bytes);
    if (doc && prepared.matches(doc)) {
      const { modified } = updateOne(engine, ns, { rid, doc }, update);
      effect.matched += 1;
      effect.modified += modified;
    }
    yield;
  }
  return effect;
}

/** Record ids of all matches, with a pause wherever the read allows one. */
export function* matchingRecords(engine: Engine, prepared: PreparedFind): WriteSteps<number[]> {
  const rids: number[] = [];
  for (const found of prepared.run(engine.epoch)) {
    if (found) rids.push(found.rid);
    else yield;
  }
  return rids;
}

function insertInstead(engine: Engine, statement: UpdateStatement, update: Update): UpdateEffect {
  const collection = engine.collectionForWrite(statement.ns);
  const stored = engine.writes.insert(collection, update.upsertBase(), statement.bypassEmptyTsReplacement);
  return { matched: 0, modified: 0, before: null, after: stored, upserted: stored };
}
