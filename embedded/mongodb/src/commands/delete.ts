import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { prepareFind } from '../query/find.js';
import type { Engine } from '../storage/engine.js';
import type { WriteSteps } from '../storage/write-queue.js';
import { checkCollation, defineCommand, evalContextOf, namespaceOf } from './context.js';
import type { CommandContext } from './context.js';
import { hintOf } from './hint.js';
import { parseFields, required } from './schema.js';
import { refuseMultiRetry } from './update.js';
import { first, matchingRecords } from './update-statement.js';
import { checkStatementCount, runStatements, writeReply } from './write-statements.js';

/** One delete, whichever command it came in. */
export interface DeleteStatement {
  ns: string;
  filter: BDoc;
  multi: boolean;
  hint?: string | BDoc | undefined;
  sort?: BDoc | undefined;
  context: EvalContext;
}

/** Runs a delete inside a write batch; returns how many documents went, and the one of a single delete. */
export function* runDelete(
  engine: Engine,
  statement: DeleteStatement,
): WriteSteps<{ n: number; doc: BDoc | null }> {
  const { ns, filter, hint, sort, multi, context } = statement;
  const prepared = prepareFind(engine.catalog.get(ns), { filter, hint, sort, limit: multi ? 0 : 1 }, context);
  if (!multi) {
    const found = first(prepared, engine);
    if (found) engine.writes.delete(engine.collectionForWrite(ns), found.rid, found.doc);
    return { n: found ? 1 : 0, doc: found?.doc ?? null };
  }
  let n = 0;
  for (const rid of yield* matchingRecords(engine, prepared)) {
    const collection = engine.catalog.get(ns);
    const bytes = collection?.records.get(rid);
    const doc = bytes && BDoc.fromBytes(bytes);
    if (collection && doc && prepared.matches(doc)) {
      engine.writes.delete(collection, rid, doc);
      n += 1;
    }
    yield;
  }
  return { n, doc: null };
}

export const deleteCommand = defineCommand({
  name: 'delete',
  help: 'deletes documents',
  writes: true,
  schema: { deletes: 'docs', ordered: 'bool', let: 'doc', stmtId: 'ignored', stmtIds: 'array' } as const,
  async run(args, context) {
    const ns = namespaceOf(context);
    const deletes = required(args.deletes, 'delete.deletes');
    checkStatementCount(deletes.length);
    const { engine, info } = context;
    info.count('delete', deletes.length);
    const statements = deletes.map((one) => parseDelete(one, ns, context, args.let));
    const result = await engine.queue.run(() =>
      runStatements(context, {
        count: statements.length,
        ordered: args.ordered ?? true,
        stmtIds: args.stmtIds,
        *apply(index) {
          const { n } = yield* runDelete(engine, statements[index] as DeleteStatement);
          return { n };
        },
      }),
    );
    return writeReply(result);
  },
});

function parseDelete(document: BDoc, ns: string, context: CommandContext, variables?: BDoc): DeleteStatement {
  const schema = { q: 'doc', limit: 'int', hint: 'any', collation: 'doc', sampleId: 'ignored' } as const;
  const args = parseFields('delete.deletes', schema, document);
  checkCollation(args.collation);
  const limit = required(args.limit, 'delete.deletes.limit');
  if (limit !== 0 && limit !== 1) {
    throw new CommandError('FailedToParse', `The limit field in delete objects must be 0 or 1. Got ${limit}`);
  }
  if (limit === 0 && context.retryable) refuseMultiRetry();
  return {
    ns,
    filter: required(args.q, 'delete.deletes.q'),
    multi: limit === 0,
    hint: hintOf(args.hint),
    context: evalContextOf(context, variables),
  };
}
