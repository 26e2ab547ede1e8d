import { BDoc, double } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { WriteSteps } from '../storage/write-queue.js';
import { firstBatch, listed } from './command-cursor.js';
import { checkCollation, defineCommand, evalContextOf } from './context.js';
import type { CommandContext } from './context.js';
import { runDelete } from './delete.js';
import { hintOf } from './hint.js';
import { integer, parseFields, required } from './schema.js';
import { refuseMultiRetry, updateOf } from './update.js';
import { runUpdate } from './update-statement.js';
import { checkStatementCount, runStatements, writeErrors } from './write-statements.js';
import type { Outcome, WriteResult } from './write-statements.js';

const INSERT = { insert: 'int', document: 'doc' } as const;
const UPDATE = {
  update: 'int',
  filter: 'doc',
  updateMods: 'any',
  multi: 'bool',
  upsert: 'bool',
  arrayFilters: 'docs',
  hint: 'any',
  collation: 'doc',
  constants: 'refused',
  sort: 'doc',
} as const;
const DELETE = { delete: 'int', filter: 'doc', multi: 'bool', hint: 'any', collation: 'doc' } as const;

type Kind = 'insert' | 'update' | 'delete';

interface Operation {
  kind: Kind;
  run(): WriteSteps<Outcome>;
}

/** The `bulkWrite` command of MongoDB 8.0: writes of several kinds on several collections. */
export const bulkWrite = defineCommand({
  name: 'bulkWrite',
  adminOnly: true,
  help: 'runs inserts, updates and deletes on several collections',
  writes: true,
  schema: {
    ops: 'docs',
    nsInfo: 'docs',
    ordered: 'bool',
    errorsOnly: 'bool',
    cursor: 'doc',
    let: 'doc',
    bypassDocumentValidation: 'ignored',
    bypassEmptyTsReplacement: 'bool',
    stmtId: 'ignored',
    stmtIds: 'array',
  } as const,
  async run(args, context) {
    if (args.bypassEmptyTsReplacement) throw unsupported('bulkWrite with bypassEmptyTsReplacement');
    const documents = required(args.ops, 'bulkWrite.ops');
    checkStatementCount(documents.length);
    const namespaces = required(args.nsInfo, 'bulkWrite.nsInfo').map(namespaceOfInfo);
    const operations = documents.map((op) => parseOperation(op, namespaces, context, args.let));
    const { engine, info } = context;
    for (const { kind } of operations) info.count(kind);
    const result = await engine.queue.run(() =>
      runStatements(context, {
        count: operations.length,
        ordered: args.ordered ?? true,
        stmtIds: args.stmtIds,
        apply: (index) => (operations[index] as Operation).run(),
      }),
    );
    const batchSize = integer(args.cursor?.get('batchSize') ?? null);
    const results = replies(result, operations, args.errorsOnly ?? false);
    const reply = await firstBatch(context, 'admin.$cmd.bulkWrite', listed(results), {
      batchSize: batchSize ?? Infinity,
    });
    for (const [name, n] of counts(result, operations)) reply.set(name, n);
    return reply;
  },
});

function namespaceOfInfo(info: BDoc): string {
  const schema = { ns: 'string', collectionUUID: 'refused', encryptionInformation: 'refused' } as const;
  const ns = required(parseFields('bulkWrite.nsInfo', schema, info).ns, 'bulkWrite.nsInfo.ns');
  if (/^[^.]+\../.test(ns)) return ns;
  throw new CommandError('InvalidNamespace', `Invalid namespace specified for bulkWrite: '${ns}'`);
}

function parseOperation(
  op: BDoc,
  namespaces: string[],
  context: CommandContext,
  variables?: BDoc,
): Operation {
  const kind = op.keys()[0];
  const ns = (at: number | undefined): string => {
    const found = namespaces[at ?? -1];
    if (found !== undefined) return found;
    throw new CommandError('BadValue', `BulkWrite ops entry has an invalid nsInfo index: ${String(at)}`);
  };
  const { engine } = context;
  if (kind === 'insert') {
    const args = parseFields('insert', INSERT, op);
    const target = ns(args.insert);
    const document = required(args.document, 'insert.document');
    return { kind, run: () => insertOne(context, target, document) };
  }
  if (kind === 'update') return updateOperation(op, ns, context, variables);
  if (kind === 'delete') {
    const args = parseFields('delete', DELETE, op);
    checkCollation(args.collation);
    if (args.multi && context.retryable) refuseMultiRetry();
    const statement = {
      ns: ns(args.delete),
      filter: required(args.filter, 'delete.filter'),
      multi: args.multi ?? false,
      hint: hintOf(args.hint),
      context: evalContextOf(context, variables),
    };
    return {
      kind,
      *run() {
        const { n } = yield* runDelete(engine, statement);
        return { n };
      },
    };
  }
  throw new CommandError(
    'FailedToParse',
    `a bulkWrite operation must be insert, update or delete, got '${String(kind)}'`,
  );
}

// oxlint-disable-next-line require-yield -- one insert is one step
function* insertOne({ engine }: CommandContext, ns: string, document: BDoc): WriteSteps<Outcome> {
  engine.writes.insert(engine.collectionForWrite(ns), document);
  return { n: 1 };
}

function updateOperation(
  op: BDoc,
  ns: (at: number | undefined) => string,
  context: CommandContext,
  variables?: BDoc,
): Operation {
  const args = parseFields('update', UPDATE, op);
  checkCollation(args.collation);
  if (args.multi && context.retryable) refuseMultiRetry();
  const statement = {
    ns: ns(args.update),
    filter: required(args.filter, 'update.filter'),
    update: updateOf(required(args.updateMods, 'update.updateMods')),
    multi: args.multi ?? false,
    upsert: args.upsert ?? false,
    arrayFilters: args.arrayFilters,
    hint: hintOf(args.hint),
    sort: args.sort,
    context: evalContextOf(context, variables),
  };
  return {
    kind: 'update',
    *run() {
      const { matched, modified, upserted } = yield* runUpdate(context.engine, statement);
      if (!upserted) return { n: matched, nModified: modified };
      return { n: 1, nModified: 0, upserted: upserted.get('_id') as BValue };
    },
  };
}

function* replies(
  { outcomes, errors }: WriteResult,
  operations: Operation[],
  errorsOnly: boolean,
): Generator<BDoc> {
  const failed = errors.map(({ index, error }, at) => {
    const [detail] = writeErrors([{ index, error }]) as [BDoc];
    const update = operations[index]?.kind === 'update';
    const head: [string, BValue][] = [
      ['ok', double(0)],
      ['idx', index],
      ['n', 0],
    ];
    const fields = detail.entries().filter(([name]) => name !== 'index');
    return {
      index,
      at,
      document: BDoc.of(...head, ...(update ? [['nModified', 0] as [string, BValue]] : []), ...fields),
    };
  });
  const succeeded = errorsOnly
    ? []
    : outcomes.map(({ index, outcome }) => ({ index, document: success(index, outcome) }));
  const all = [...failed, ...succeeded].sort((a, b) => a.index - b.index);
  for (const { document } of all) yield document;
}

function success(index: number, { n, nModified, upserted }: Outcome): BDoc {
  const document = BDoc.of(['ok', double(1)], ['idx', index], ['n', n]);
  if (nModified !== undefined) document.set('nModified', nModified);
  if (upserted !== undefined) document.set('upserted', BDoc.of(['_id', upserted]));
  return document;
}

function counts({ outcomes, errors }: WriteResult, operations: Operation[]): [string, number][] {
  const sums = { nErrors: errors.length, nInserted: 0, nMatched: 0, nModified: 0, nUpserted: 0, nDeleted: 0 };
  for (const { index, outcome } of outcomes) {
    const { kind } = operations[index] as Operation;
    if (kind === 'insert') sums.nInserted += outcome.n;
    else if (kind === 'delete') sums.nDeleted += outcome.n;
    else if (outcome.upserted !== undefined) sums.nUpserted += 1;
    else sums.nMatched += outcome.n;
    sums.nModified += outcome.nModified ?? 0;
  }
  return Object.entries(sums);
}
