import { BDoc, type BValue } from '../../bson/values.js';
import { CommandError } from '../../errors.js';
import {
  command,
  evalContextOf,
  namespaceOf,
  reply,
  type CommandContext,
  type CommandTable,
} from '../command.js';
import { fields, parseFields, required } from '../schema.js';
import { runStatements, total, type Outcome } from './run-statements.js';
import type { Selection, Statement, UpdateStatement } from './statement.js';

const UPDATE = fields({
  doc: 'q sort',
  any: 'u',
  bool: 'multi upsert',
  docs: 'arrayFilters',
  hint: 'hint',
  collation: 'collation',
  ignored: 'sampleId',
});
const DELETE = fields({ doc: 'q', int: 'limit', hint: 'hint', collation: 'collation', ignored: 'sampleId' });

export const writes: CommandTable = {
  insert: command({
    writes: true,
    fields: fields({
      docs: 'documents',
      bool: 'ordered bypassEmptyTsReplacement',
      ignored: 'bypassDocumentValidation',
    }),
    async run({ documents, ordered, bypassEmptyTsReplacement: literal }, context) {
      const insert = { kind: 'insert' as const, ns: namespaceOf(context), literal };
      const statements = required(documents, 'insert.documents').map((document) => ({ ...insert, document }));
      return replyOf(await runStatements(context, statements, ordered));
    },
  }),

  update: command({
    writes: true,
    fields: fields({
      docs: 'updates',
      bool: 'ordered bypassEmptyTsReplacement',
      doc: 'let',
      ignored: 'bypassDocumentValidation',
    }),
    async run({ updates, ordered, bypassEmptyTsReplacement: literal, let: variables }, context) {
      const ns = namespaceOf(context);
      const statements = required(updates, 'update.updates').map((one) => {
        const { q, u, ...options } = parseFields('update.updates', UPDATE, one);
        const [filter, update] = [required(q, 'update.updates.q'), required(u, 'update.updates.u')];
        return updateStatement(context, { ...options, ns, filter, update, literal, variables });
      });
      const outcomes = await runStatements(context, statements, ordered);
      const upserted = outcomes.flatMap(({ index, upserted: id }) =>
        id === undefined ? [] : [BDoc.of(['index', index], ['_id', id])],
      );
      const nModified = total(outcomes, 'nModified');
      return replyOf(outcomes, { nModified, upserted: upserted.length > 0 ? upserted : undefined });
    },
  }),

  delete: command({
    writes: true,
    fields: fields({ docs: 'deletes', bool: 'ordered', doc: 'let', ignored: 'bypassDocumentValidation' }),
    async run({ deletes, ordered, let: variables }, context) {
      const ns = namespaceOf(context);
      const statements = required(deletes, 'delete.deletes').map((one) => {
        const { q, limit, hint } = parseFields('delete.deletes', DELETE, one);
        if (limit !== 0 && limit !== 1)
          throw new CommandError('FailedToParse', `The limit of a delete must be 0 or 1. Got ${limit}`);
        const filter = required(q, 'delete.deletes.q');
        return deleteStatement(context, { ns, filter, multi: limit === 0, hint, variables });
      });
      return replyOf(await runStatements(context, statements, ordered));
    },
  }),
};

/** A statement as the commands give it: with the variables of `let` and an update that may be anything. */
type Given = Omit<Selection, 'context'> & { variables?: BDoc | undefined };
type GivenUpdate = Given & Omit<UpdateStatement, keyof Selection | 'kind' | 'update'> & { update: BValue };

export function deleteStatement(context: CommandContext, { variables, ...given }: Given): Statement {
  if (given.multi && context.retryable) throw multiRetried();
  return { ...given, kind: 'delete', context: evalContextOf(context, variables) };
}

export function updateStatement(
  context: CommandContext,
  { variables, update, ...given }: GivenUpdate,
): Statement {
  if (given.multi && context.retryable) throw multiRetried();
  if (given.multi && given.sort)
    throw new CommandError('FailedToParse', 'Cannot specify sort with multi=true');
  if (!(update instanceof BDoc) && !Array.isArray(update))
    throw new CommandError('FailedToParse', 'Update argument must be either an object or an array');
  return { ...given, kind: 'update', update, context: evalContextOf(context, variables) };
}

function multiRetried(): CommandError {
  return new CommandError('InvalidOptions', 'Cannot use (or request) retryable writes with multi=true');
}

function replyOf(outcomes: Outcome[], counts: Parameters<typeof reply>[0] = {}): BDoc {
  const writeErrors = outcomes.flatMap(({ index, error }) =>
    error ? [reply({ index, code: error.code, errmsg: error.message, ...error.details })] : [],
  );
  const n = total(outcomes, 'n');
  return reply({ n, ...counts, writeErrors: writeErrors.length > 0 ? writeErrors : undefined });
}
