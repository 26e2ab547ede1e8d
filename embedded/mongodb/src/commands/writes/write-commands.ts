import { doc } from '../../bson/plain.js';
import { BDoc, type BValue } from '../../bson/values.js';
import { checkDeadline } from '../../cursor/cursor.js';
import { CommandError, failedToParse } from '../../errors.js';
import { evalContext } from '../../expr/expression.js';
import type { WriteSteps } from '../../storage/write-queue.js';
import { command, namespaceOf, type CommandContext, type CommandTable } from '../command.js';
import { fields, parseFields, required } from '../schema.js';
import { runStatement, type Statement } from './statement.js';

export const UPDATE = fields({
  doc: 'q sort',
  update: 'u',
  bool: 'multi upsert',
  docs: 'arrayFilters',
  hint: 'hint',
  collation: 'collation',
  ignored: 'sampleId',
});
export const DELETE = fields({
  doc: 'q',
  int: 'limit',
  hint: 'hint',
  collation: 'collation',
  ignored: 'sampleId',
});

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
      const common = {
        kind: 'update' as const,
        ns: namespaceOf(context),
        literal,
        context: evalContext(variables),
      };
      const statements = required(updates, 'update.updates').map((one) => {
        const { q, u, ...options } = parseFields('update.updates', UPDATE, one);
        const [filter, update] = [required(q, 'update.updates.q'), required(u, 'update.updates.u')];
        return { ...options, ...common, filter, update };
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
      const common = { kind: 'delete' as const, ns: namespaceOf(context), context: evalContext(variables) };
      const statements = required(deletes, 'delete.deletes').map((one) => {
        const { q, hint, ...given } = parseFields('delete.deletes', DELETE, one);
        const limit = required(given.limit, 'delete.deletes.limit');
        if (limit !== 0 && limit !== 1)
          throw failedToParse(`The limit of a delete must be 0 or 1. Got ${limit}`);
        return { ...common, filter: required(q, 'delete.deletes.q'), multi: limit === 0, hint };
      });
      return replyOf(await runStatements(context, statements, ordered));
    },
  }),
};

function replyOf(outcomes: Outcome[], counts: Parameters<typeof doc>[0] = {}): BDoc {
  const writeErrors = outcomes.flatMap(({ index, error }) =>
    error ? [doc({ index, code: error.code, errmsg: error.message, ...error.details })] : [],
  );
  const n = total(outcomes, 'n');
  return doc({ n, ...counts, writeErrors: writeErrors.length > 0 ? writeErrors : undefined });
}

/** MongoDB's limit of statements in one write command. */
export const MAX_STATEMENTS = 100_000;

/** What became of one statement of a command. */
export interface Outcome {
  /** Its place in the command. */
  index: number;
  n: number;
  /** For updates only. */
  nModified?: number | undefined;
  upserted?: BValue | undefined;
  error?: CommandError;
}

/**
 * Runs the statements of a write command, each at most once per `txnNumber`. A failed statement ends an ordered
 * command and is noted in an unordered one. Error 16 for none or too many.
 */
export function runStatements(
  context: CommandContext,
  statements: readonly Statement[],
  ordered = true,
): Promise<Outcome[]> {
  const { length } = statements;
  if (length < 1 || length > MAX_STATEMENTS) {
    const text = `Write batch sizes must be between 1 and ${MAX_STATEMENTS}. Got ${length} operations.`;
    throw new CommandError('InvalidLength', text);
  }
  for (const statement of statements) {
    context.info.opcounters[statement.kind] += 1;
    if (statement.kind === 'insert' || !statement.multi) continue;
    if (context.retryable)
      throw new CommandError('InvalidOptions', 'Cannot use (or request) retryable writes with multi=true');
    if (statement.sort) throw failedToParse('Cannot specify sort with multi=true');
  }
  return context.engine.queue.run(() => steps(context, statements, ordered));
}

/** Errors that end the command instead of standing among its write errors. */
const WHOLE_COMMAND = new Set([13, 20, 50, 73, 115, 225, 13_297]);

function* steps(
  { retryable, engine, deadline }: CommandContext,
  statements: readonly Statement[],
  ordered: boolean,
): WriteSteps<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [index, statement] of statements.entries()) {
    // Asked each time: after a lost connection the same number may be under way twice.
    const earlier = retryable ? engine.retries.outcomes(retryable).get(index) : undefined;
    if (earlier !== undefined) {
      outcomes.push(recorded(index, earlier));
      continue;
    }
    try {
      const { n, modified, upserted } = yield* withDeadline(runStatement(engine, statement), deadline);
      const nModified = statement.kind === 'update' ? modified : undefined;
      const record = statement.kind === 'insert' ? null : doc({ n, nModified, upserted });
      if (retryable) engine.retries.add(retryable, index, record);
      outcomes.push({ index, n, nModified, upserted });
    } catch (error) {
      if (!(error instanceof CommandError) || WHOLE_COMMAND.has(error.code)) throw error;
      const nModified = statement.kind === 'update' ? 0 : undefined;
      outcomes.push({ index, n: 0, nModified, error });
      if (ordered) break;
    }
    checkDeadline(deadline);
    yield;
  }
  return outcomes;
}

/** The outcome of a statement that was done under the same number before; null stands for an insert. */
function recorded(index: number, record: BDoc | null): Outcome {
  if (!record) return { index, n: 1 };
  const [n, nModified] = ['n', 'nModified'].map((name) => record.get(name) as number | undefined);
  return { index, n: n ?? 0, nModified, upserted: record.get('upserted') };
}

/** What a statement has done when its time is over stays done, as in MongoDB. */
function* withDeadline<T>(running: WriteSteps<T>, deadline: number): WriteSteps<T> {
  for (;;) {
    const step = running.next();
    if (step.done) return step.value;
    checkDeadline(deadline);
    yield;
  }
}

/** The sum of a count over all outcomes. */
export function total(outcomes: readonly Outcome[], count: 'n' | 'nModified'): number {
  return outcomes.reduce((sum, outcome) => sum + (outcome[count] ?? 0), 0);
}
