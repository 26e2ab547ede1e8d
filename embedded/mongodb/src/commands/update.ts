import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { checkCollation, defineCommand, evalContextOf, namespaceOf } from './context.js';
import type { CommandContext } from './context.js';
import { hintOf } from './hint.js';
import { parseFields, required } from './schema.js';
import { runUpdate } from './update-statement.js';
import type { UpdateStatement } from './update-statement.js';
import { checkStatementCount, runStatements, writeReply } from './write-statements.js';

const STATEMENT = {
  q: 'doc',
  u: 'any',
  c: 'doc',
  multi: 'bool',
  upsert: 'bool',
  upsertSupplied: 'refused',
  arrayFilters: 'docs',
  hint: 'any',
  collation: 'doc',
  sort: 'doc',
  sampleId: 'ignored',
} as const;

export const update = defineCommand({
  name: 'update',
  help: 'changes documents',
  writes: true,
  schema: {
    updates: 'docs',
    ordered: 'bool',
    let: 'doc',
    bypassDocumentValidation: 'ignored',
    bypassEmptyTsReplacement: 'bool',
    stmtId: 'ignored',
    stmtIds: 'array',
  } as const,
  async run(args, context) {
    const ns = namespaceOf(context);
    const updates = required(args.updates, 'update.updates');
    checkStatementCount(updates.length);
    const { engine, info } = context;
    info.count('update', updates.length);
    const { bypassEmptyTsReplacement } = args;
    const statements = updates.map((one) => ({
      ...parseUpdate(one, ns, context, args.let),
      bypassEmptyTsReplacement,
    }));
    const result = await engine.queue.run(() =>
      runStatements(context, {
        count: statements.length,
        ordered: args.ordered ?? true,
        stmtIds: args.stmtIds,
        *apply(index) {
          const { matched, modified, upserted } = yield* runUpdate(
            engine,
            statements[index] as UpdateStatement,
          );
          if (!upserted) return { n: matched, nModified: modified };
          return { n: 1, nModified: 0, upserted: upserted.get('_id') as BValue };
        },
      }),
    );
    const modified = result.outcomes.reduce((sum, { outcome }) => sum + (outcome.nModified ?? 0), 0);
    const upserted = result.outcomes.flatMap(({ index, outcome }) =>
      outcome.upserted === undefined ? [] : [BDoc.of(['index', index], ['_id', outcome.upserted])],
    );
    return writeReply(result, [
      ['nModified', modified],
      ...(upserted.length ? [['upserted', upserted] as [string, BValue]] : []),
    ]);
  },
});

function parseUpdate(document: BDoc, ns: string, context: CommandContext, variables?: BDoc): UpdateStatement {
  const args = parseFields('update.updates', STATEMENT, document);
  checkCollation(args.collation);
  const multi = args.multi ?? false;
  if (multi && context.retryable) refuseMultiRetry();
  if (multi && args.sort) throw new CommandError('FailedToParse', 'Cannot specify sort with multi=true');
  return {
    ns,
    filter: required(args.q, 'update.updates.q'),
    update: updateOf(required(args.u, 'update.updates.u')),
    multi,
    upsert: args.upsert ?? false,
    arrayFilters: args.arrayFilters,
    hint: hintOf(args.hint),
    sort: args.sort,
    context: evalContextOf(context, variables).with(args.c?.entries() ?? []),
  };
}

/** An update is a document or a pipeline. */
export function updateOf(update: BValue): BDoc | BValue[] {
  if (update instanceof BDoc || Array.isArray(update)) return update;
  throw new CommandError('FailedToParse', 'Update argument must be either an object or an array');
}

export function refuseMultiRetry(): never {
  throw new CommandError('InvalidOptions', 'Cannot use (or request) retryable writes with multi=true');
}
