import { BDoc, double } from '../../bson/values.js';
import { Cursor } from '../../cursor/cursor.js';
import { CommandError, unsupported } from '../../errors.js';
import { command, reply } from '../command.js';
import type { CommandContext } from '../command.js';
import { fields, integer, parseFields, required } from '../schema.js';
import type { Statement } from './statement.js';
import { numberOf, runStatements } from './run-statements.js';
import type { WriteResult } from './run-statements.js';
import { WITHOUT_EFFECT, deleteStatement, updateStatement } from './write-commands.js';

const INSERT = fields({ int: ['insert'], doc: ['document'] });
const UPDATE = fields({
  int: ['update'],
  doc: ['filter', 'sort'],
  any: ['updateMods'],
  bool: ['multi', 'upsert'],
  docs: ['arrayFilters'],
  hint: ['hint'],
  collation: ['collation'],
  refused: ['constants'],
});
const DELETE = fields({
  int: ['delete'],
  doc: ['filter'],
  bool: ['multi'],
  hint: ['hint'],
  collation: ['collation'],
});
const NS_INFO = fields({ string: ['ns'], refused: ['collectionUUID', 'encryptionInformation'] });

/** The `bulkWrite` command of MongoDB 8.0: writes of several kinds on several collections. */
export const bulkWrite = command({
  adminOnly: true,
  writes: true,
  fields: fields({
    docs: ['ops', 'nsInfo'],
    bool: ['ordered', 'errorsOnly', 'bypassEmptyTsReplacement'],
    doc: ['cursor', 'let'],
    ...WITHOUT_EFFECT,
  }),
  async run(args, context) {
    if (args.bypassEmptyTsReplacement) throw unsupported('bulkWrite with bypassEmptyTsReplacement');
    const namespaces = required(args.nsInfo, 'bulkWrite.nsInfo').map(namespaceOfInfo);
    const operations = required(args.ops, 'bulkWrite.ops');
    const statements = operations.map((op) => statementOf(op, namespaces, context, args.let));
    const result = await runStatements(context, statements, args.ordered);
    const batchSize = integer(args.cursor?.get('batchSize')) ?? Infinity;
    const results = replies(result, statements, args.errorsOnly ?? false);
    const cursor = new Cursor('admin.$cmd.bulkWrite', results, context);
    const document = await context.cursors.first(cursor, context.deadline, { batchSize });
    for (const [name, n] of Object.entries(counts(result, statements))) document.set(name, n);
    return document;
  },
});

function namespaceOfInfo(info: BDoc): string {
  const ns = required(parseFields('bulkWrite.nsInfo', NS_INFO, info).ns, 'bulkWrite.nsInfo.ns');
  if (/^[^.]+\../.test(ns)) return ns;
  throw new CommandError('InvalidNamespace', `Invalid namespace specified for bulkWrite: '${ns}'`);
}

function statementOf(op: BDoc, namespaces: string[], context: CommandContext, variables?: BDoc): Statement {
  const kind = op.keys()[0];
  const namespace = (at = -1): string => {
    const ns = namespaces[at];
    if (ns !== undefined) return ns;
    throw new CommandError('BadValue', `BulkWrite ops entry has an invalid nsInfo index: ${at}`);
  };
  if (kind === 'insert') {
    const { insert, document } = parseFields('insert', INSERT, op);
    return { kind, ns: namespace(insert), document: required(document, 'insert.document') };
  }
  if (kind === 'update') {
    const { update, updateMods, filter, ...options } = parseFields('update', UPDATE, op);
    return updateStatement(context, {
      ...options,
      ns: namespace(update),
      filter: required(filter, 'update.filter'),
      update: required(updateMods, 'update.updateMods'),
      variables,
    });
  }
  if (kind === 'delete') {
    const { delete: at, filter, ...options } = parseFields('delete', DELETE, op);
    const selection = { ...options, ns: namespace(at), filter: required(filter, 'delete.filter') };
    return deleteStatement(context, { ...selection, variables });
  }
  throw new CommandError(
    'FailedToParse',
    `an operation must be insert, update or delete, got '${String(kind)}'`,
  );
}

/** One document for each operation that was tried, in their order. */
function replies({ outcomes, errors }: WriteResult, statements: Statement[], errorsOnly: boolean): BDoc[] {
  const documents: [number, BDoc][] = errors.map(({ index, error }) => {
    const nModified = statements[index]?.kind === 'update' ? 0 : undefined;
    const { code, message } = error;
    const fixed = { ok: double(0), idx: index, n: 0, nModified, code, errmsg: message };
    return [index, reply({ ...fixed, ...error.details })];
  });
  for (const { index, outcome } of errorsOnly ? [] : outcomes) {
    const upserted = outcome?.get('upserted');
    const nModified = outcome?.has('nModified') ? numberOf(outcome, 'nModified') : undefined;
    const fixed = { ok: double(1), idx: index, n: numberOf(outcome, 'n'), nModified };
    const wrapped = upserted === undefined ? undefined : BDoc.of(['_id', upserted]);
    documents.push([index, reply({ ...fixed, upserted: wrapped })]);
  }
  return documents.sort(([a], [b]) => a - b).map(([, document]) => document);
}

function counts({ outcomes, errors }: WriteResult, statements: Statement[]): Record<string, number> {
  const sums = { nErrors: errors.length, nInserted: 0, nMatched: 0, nModified: 0, nUpserted: 0, nDeleted: 0 };
  for (const { index, outcome } of outcomes) {
    const { kind } = statements[index] as Statement;
    const n = numberOf(outcome, 'n');
    if (kind === 'insert') sums.nInserted += n;
    else if (kind === 'delete') sums.nDeleted += n;
    else if (outcome?.has('upserted')) sums.nUpserted += 1;
    else sums.nMatched += n;
    sums.nModified += numberOf(outcome, 'nModified');
  }
  return sums;
}
