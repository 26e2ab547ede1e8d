import { doc } from '../../bson/plain.js';
import { double } from '../../bson/type-of.js';
import { BDoc } from '../../bson/values.js';
import { CommandError, unsupported, badValue, failedToParse } from '../../errors.js';
import type { EvalContext } from '../../expr/compiler.js';
import { evalContext } from '../../expr/expression.js';
import { command } from '../command.js';
import { fields, integer, parseFields, required } from '../schema.js';
import type { Statement } from './statement.js';
import { runStatements, total, type Outcome } from './write-commands.js';

const INSERT = fields({ int: 'insert', doc: 'document' });
const UPDATE = fields({
  int: 'update',
  doc: 'filter sort',
  update: 'updateMods',
  bool: 'multi upsert',
  docs: 'arrayFilters',
  hint: 'hint',
  collation: 'collation',
});
const DELETE = fields({ int: 'delete', doc: 'filter', bool: 'multi', hint: 'hint', collation: 'collation' });
const NS_INFO = fields({ string: 'ns' });

/** The `bulkWrite` command of MongoDB 8.0: writes of several kinds on several collections. */
export const bulkWrite = command({
  adminOnly: true,
  writes: true,
  fields: fields({
    docs: 'ops nsInfo',
    bool: 'ordered errorsOnly bypassEmptyTsReplacement',
    doc: 'cursor let',
    ignored: 'bypassDocumentValidation',
  }),
  async run(args, context) {
    if (args.bypassEmptyTsReplacement) throw unsupported('bulkWrite with bypassEmptyTsReplacement');
    const namespaces = required(args.nsInfo, 'bulkWrite.nsInfo').map(namespaceOfInfo);
    const operations = required(args.ops, 'bulkWrite.ops');
    const evaluated = evalContext(args.let);
    const statements = operations.map((op) => statementOf(op, namespaces, evaluated));
    const outcomes = await runStatements(context, statements, args.ordered);
    const shown = args.errorsOnly ? outcomes.filter(({ error }) => error) : outcomes;
    const batchSize = integer(args.cursor?.get('batchSize')) ?? Infinity;
    const results = shown.map(resultOf);
    // Not the context itself: an open cursor would keep the whole message.
    const caller = { lsid: context.lsid, deadline: context.deadline };
    const document = await context.cursors.open('admin.$cmd.bulkWrite', results, caller, { batchSize });
    for (const [name, n] of Object.entries(counts(outcomes, statements))) document.set(name, n);
    return document;
  },
});

function namespaceOfInfo(info: BDoc): string {
  const ns = required(parseFields('bulkWrite.nsInfo', NS_INFO, info).ns, 'bulkWrite.nsInfo.ns');
  if (/^[^.]+\../.test(ns)) return ns;
  throw new CommandError('InvalidNamespace', `Invalid namespace specified for bulkWrite: '${ns}'`);
}

function statementOf(op: BDoc, namespaces: string[], context: EvalContext): Statement {
  const [kind = ''] = op.keys();
  const at = integer(op.get(kind)) ?? -1;
  const ns = namespaces[at] ?? '';
  if (ns === '') throw badValue(`BulkWrite ops entry has an invalid nsInfo index: ${at}`);
  if (kind === 'insert') {
    const { document } = parseFields(kind, INSERT, op);
    return { kind, ns, document: required(document, 'insert.document') };
  }
  if (kind === 'update') {
    const { updateMods, filter, ...options } = parseFields(kind, UPDATE, op);
    const update = required(updateMods, 'update.updateMods');
    return { ...options, kind, ns, filter: required(filter, 'update.filter'), update, context };
  }
  if (kind === 'delete') {
    const { filter, ...options } = parseFields(kind, DELETE, op);
    return { ...options, kind, ns, filter: required(filter, 'delete.filter'), context };
  }
  throw failedToParse(`an operation must be insert, update or delete, got '${kind}'`);
}

function resultOf({ index: idx, n, nModified, upserted, error }: Outcome): BDoc {
  const ok = double(error ? 0 : 1);
  const wrapped = upserted === undefined ? undefined : BDoc.of(['_id', upserted]);
  const failure = error && { code: error.code, errmsg: error.message, ...error.details };
  return doc({ ok, idx, n, nModified, upserted: wrapped, ...failure });
}

function counts(outcomes: Outcome[], statements: Statement[]): Record<string, number> {
  const ofKind = (kind: string): Outcome[] =>
    outcomes.filter(({ index }) => statements[index]?.kind === kind);
  const nUpserted = outcomes.filter(({ upserted }) => upserted !== undefined).length;
  return {
    nErrors: outcomes.filter(({ error }) => error).length,
    nInserted: total(ofKind('insert'), 'n'),
    nMatched: total(ofKind('update'), 'n') - nUpserted,
    nModified: total(outcomes, 'nModified'),
    nUpserted,
    nDeleted: total(ofKind('delete'), 'n'),
  };
}
