import type { BDoc, BValue } from '../../bson/values.js';
import { checkDeadline } from '../../cursor/turns.js';
import { CommandError } from '../../errors.js';
import type { WriteSteps } from '../../storage/write-queue.js';
import { reply, type CommandContext } from '../command.js';
import { runStatement, type Statement } from './statement.js';

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
  for (const { kind } of statements) context.info.count(kind);
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
  const done = retryable && engine.retries.outcomes(retryable);
  for (const [index, statement] of statements.entries()) {
    const earlier = done?.get(index);
    if (earlier !== undefined) {
      outcomes.push(recorded(index, earlier));
      continue;
    }
    try {
      const { n, modified, upserted } = yield* withDeadline(runStatement(engine, statement), deadline);
      const nModified = statement.kind === 'update' ? modified : undefined;
      const record = statement.kind === 'insert' ? null : reply({ n, nModified, upserted });
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
