import { doc } from '../../bson/plain.js';
import { BDoc } from '../../bson/values.js';
import { checkDeadline } from '../../cursor/turns.js';
import { CommandError } from '../../errors.js';
import type { WriteSteps } from '../../storage/write-queue.js';
import { reply } from '../command.js';
import type { CommandContext } from '../command.js';
import { runStatement } from './statement.js';
import type { Effect, Statement } from './statement.js';

/** MongoDB's limit of statements in one write command. */
export const MAX_STATEMENTS = 100_000;

/** What became of the statements of a command, each by its place in it. */
export interface WriteResult {
  /** An outcome is `{n, nModified?, upserted?}`; null stands for the `{n: 1}` of an insert. */
  outcomes: { index: number; outcome: BDoc | null }[];
  errors: { index: number; error: CommandError }[];
}

/**
 * Runs the statements of a write command, each at most once per `txnNumber`. A failed statement ends an ordered
 * command and is noted in an unordered one. Error 16 for none or too many.
 */
export function runStatements(
  context: CommandContext,
  statements: readonly Statement[],
  ordered = true,
): Promise<WriteResult> {
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
): WriteSteps<WriteResult> {
  const result: WriteResult = { outcomes: [], errors: [] };
  const done = retryable && engine.retries.outcomes(retryable);
  for (const [index, statement] of statements.entries()) {
    const earlier = done?.get(index);
    if (earlier !== undefined) {
      result.outcomes.push({ index, outcome: earlier });
      continue;
    }
    try {
      const effect = yield* withDeadline(runStatement(engine, statement), deadline);
      const outcome = outcomeOf(statement, effect);
      if (retryable) engine.retries.add(retryable, index, outcome);
      result.outcomes.push({ index, outcome });
    } catch (error) {
      if (!(error instanceof CommandError) || WHOLE_COMMAND.has(error.code)) throw error;
      result.errors.push({ index, error });
      if (ordered) break;
    }
    checkDeadline(deadline);
    yield;
  }
  return result;
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

function outcomeOf({ kind }: Statement, { n, modified, upserted }: Effect): BDoc | null {
  if (kind === 'insert') return null;
  return kind === 'delete' ? doc({ n }) : reply({ n, nModified: modified, upserted });
}

/** A number of an outcome; 0 if it has none of that name. */
export function numberOf(outcome: BDoc | null, field: 'n' | 'nModified'): number {
  return outcome ? Number(outcome.get(field) ?? 0) : field === 'n' ? 1 : 0;
}
