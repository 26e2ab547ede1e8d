import { BDoc } from '../../bson/values.js';
import type { BValue } from '../../bson/values.js';
import { CommandError } from '../../errors.js';
import { command, evalContextOf, namespaceOf, reply } from '../command.js';
import type { CommandContext, CommandTable } from '../command.js';
import { fields, parseFields, required } from '../schema.js';
import { numberOf, runStatements } from './run-statements.js';
import type { WriteResult } from './run-statements.js';
import type { DeleteStatement, UpdateStatement } from './statement.js';

const UPDATE = fields({
  doc: ['q', 'sort'],
  any: ['u'],
  bool: ['multi', 'upsert'],
  docs: ['arrayFilters'],
  hint: ['hint'],
  collation: ['collation'],
  refused: ['c', 'upsertSupplied'],
  ignored: ['sampleId'],
});
const DELETE = fields({
  doc: ['q'],
  int: ['limit'],
  hint: ['hint'],
  collation: ['collation'],
  ignored: ['sampleId'],
});

/** Nothing validates documents here, and statements are numbered by their place. */
export const WITHOUT_EFFECT = {
  ignored: ['bypassDocumentValidation'],
  refused: ['stmtId', 'stmtIds'],
} as const;

export const writes: CommandTable = {
  insert: command({
    writes: true,
    fields: fields({ docs: ['documents'], bool: ['ordered', 'bypassEmptyTsReplacement'], ...WITHOUT_EFFECT }),
    async run(args, context) {
      const ns = namespaceOf(context);
      const documents = required(args.documents, 'insert.documents');
      const insert = { kind: 'insert' as const, ns, literal: args.bypassEmptyTsReplacement };
      const statements = documents.map((document) => ({ ...insert, document }));
      return replyOf(await runStatements(context, statements, args.ordered));
    },
  }),

  update: command({
    writes: true,
    fields: fields({
      docs: ['updates'],
      bool: ['ordered', 'bypassEmptyTsReplacement'],
      doc: ['let'],
      ...WITHOUT_EFFECT,
    }),
    async run(args, context) {
      const ns = namespaceOf(context);
      const statements = required(args.updates, 'update.updates').map((one) => {
        const { q, u, ...options } = parseFields('update.updates', UPDATE, one);
        const literal = args.bypassEmptyTsReplacement;
        const filter = required(q, 'update.updates.q');
        return updateStatement(context, {
          ...options,
          literal,
          ns,
          filter,
          update: required(u, 'u'),
          variables: args.let,
        });
      });
      const result = await runStatements(context, statements, args.ordered);
      const upserted = result.outcomes.flatMap(({ index, outcome }) => {
        const id = outcome?.get('upserted');
        return id === undefined ? [] : [BDoc.of(['index', index], ['_id', id])];
      });
      const nModified = result.outcomes.reduce((sum, { outcome }) => sum + numberOf(outcome, 'nModified'), 0);
      return replyOf(result, { nModified, upserted: upserted.length > 0 ? upserted : undefined });
    },
  }),

  delete: command({
    writes: true,
    fields: fields({ docs: ['deletes'], bool: ['ordered'], doc: ['let'], ...WITHOUT_EFFECT }),
    async run(args, context) {
      const ns = namespaceOf(context);
      const statements = required(args.deletes, 'delete.deletes').map((one) => {
        const { q, limit, hint } = parseFields('delete.deletes', DELETE, one);
        if (limit !== 0 && limit !== 1)
          throw new CommandError(
            'FailedToParse',
            `The limit field in delete objects must be 0 or 1. Got ${limit}`,
          );
        const filter = required(q, 'delete.deletes.q');
        return deleteStatement(context, { ns, filter, multi: limit === 0, hint, variables: args.let });
      });
      return replyOf(await runStatements(context, statements, args.ordered));
    },
  }),
};

/** A statement as the commands give it. */
interface Given {
  ns: string;
  filter: BDoc;
  multi?: boolean | undefined;
  hint?: string | BDoc | undefined;
  sort?: BDoc | undefined;
  variables?: BDoc | undefined;
}

interface GivenUpdate {
  update: BValue;
  upsert?: boolean | undefined;
  arrayFilters?: BDoc[] | undefined;
  literal?: boolean | undefined;
}

export function deleteStatement(context: CommandContext, given: Given): DeleteStatement {
  const { variables, multi = false, ...rest } = given;
  if (multi && context.retryable) throw multiRetried();
  return { ...rest, kind: 'delete', multi, context: evalContextOf(context, variables) };
}

export function updateStatement(context: CommandContext, given: Given & GivenUpdate): UpdateStatement {
  const { variables, multi = false, upsert = false, update, ...rest } = given;
  if (multi && context.retryable) throw multiRetried();
  if (multi && rest.sort) throw new CommandError('FailedToParse', 'Cannot specify sort with multi=true');
  if (!(update instanceof BDoc) && !Array.isArray(update))
    throw new CommandError('FailedToParse', 'Update argument must be either an object or an array');
  return { ...rest, kind: 'update', multi, upsert, update, context: evalContextOf(context, variables) };
}

function multiRetried(): CommandError {
  return new CommandError('InvalidOptions', 'Cannot use (or request) retryable writes with multi=true');
}

function replyOf({ outcomes, errors }: WriteResult, counts: Parameters<typeof reply>[0] = {}): BDoc {
  const n = outcomes.reduce((sum, { outcome }) => sum + numberOf(outcome, 'n'), 0);
  const writeErrors = errors.map(({ index, error }) =>
    reply({ index, code: error.code, errmsg: error.message, ...error.details }),
  );
  return reply({ n, ...counts, writeErrors: writeErrors.length > 0 ? writeErrors : undefined });
}
