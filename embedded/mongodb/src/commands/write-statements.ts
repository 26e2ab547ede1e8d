import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { timeExceeded } from '../cursor/cursor.js';
import { CommandError } from '../errors.js';
import type { WriteSteps } from '../storage/write-queue.js';
import type { CommandContext } from './context.js';
import { integer } from './schema.js';

/** MongoDB's limit of statements in one write command. */
export const MAX_STATEMENTS = 100_000;

/** What one statement did. */
export interface Outcome {
  n: number;
  nModified?: number;
  /** The `_id` of an upserted document. */
  upserted?: BValue;
}

export interface StatementError {
  index: number;
  error: CommandError;
}

export interface WriteResult {
  outcomes: { index: number; outcome: Outcome }[];
  errors: StatementError[];
}

interface Statements {
  count: number;
  ordered: boolean;
  stmtIds?: BValue[] | undefined;
  apply(index: number): WriteSteps<Outcome>;
}

/**
 * Runs the statements of a write command, each at most once per `txnNumber`. A failed statement ends an ordered
 * command and is noted in an unordered one.
 */
export function* runStatements(context: CommandContext, statements: Statements): WriteSteps<WriteResult> {
  const { retryable, engine } = context;
  const result: WriteResult = { outcomes: [], errors: [] };
  const done = retryable ? engine.retries.outcomes(retryable) : null;
  for (let index = 0; index < statements.count; index += 1) {
    const stmtId = statements.stmtIds ? (integer(statements.stmtIds[index] ?? index) ?? index) : index;
    const earlier = done?.get(stmtId);
    if (earlier !== undefined) {
      result.outcomes.push({ index, outcome: decodeOutcome(earlier) });
      continue;
    }
    try {
      const outcome = yield* withDeadline(statements.apply(index), context.deadline);
      if (retryable) engine.retries.add(retryable, stmtId, encodeOutcome(outcome));
      result.outcomes.push({ index, outcome });
    } catch (error) {
      if (!(error instanceof CommandError) || WHOLE_COMMAND.has(error.code)) throw error;
      result.errors.push({ index, error });
      if (statements.ordered) break;
    }
    if (Date.now() > context.deadline) throw timeExceeded();
    yield;
  }
  return result;
}

/** What a statement has done when its time is over stays done, as in MongoDB. */
function* withDeadline<T>(steps: WriteSteps<T>, deadline: number): WriteSteps<T> {
  let step = steps.next();
  for (; !step.done; step = steps.next()) {
    if (Date.now() > deadline) throw timeExceeded();
    yield;
  }
  return step.value;
}

/** Errors that end the command instead of standing among its write errors. */
const WHOLE_COMMAND = new Set([13, 20, 50, 73, 115, 225, 13_297]);

/** Checks the number of statements; error 16 outside 1 to 100,000. */
export function checkStatementCount(count: number): void {
  if (count >= 1 && count <= MAX_STATEMENTS) return;
  throw new CommandError(
    'InvalidLength',
    `Write batch sizes must be between 1 and ${MAX_STATEMENTS}. Got ${count} operations.`,
  );
}

export function writeErrors(errors: StatementError[]): BDoc[] {
  return errors.map(({ index, error }) => {
    const document = BDoc.of(['index', index], ['code', error.code], ['errmsg', error.message]);
    if (error.keyPattern) document.set('keyPattern', error.keyPattern);
    if (error.keyValue) document.set('keyValue', error.keyValue);
    if (error.errInfo) document.set('errInfo', error.errInfo);
    return document;
  });
}

/** Sum of `n`, and the error list if there is one. */
export function writeReply(result: WriteResult, fields: [string, BValue][] = []): BDoc {
  const n = result.outcomes.reduce((sum, { outcome }) => sum + outcome.n, 0);
  const reply = BDoc.of(['n', n], ...fields);
  if (result.errors.length > 0) reply.set('writeErrors', writeErrors(result.errors));
  return reply;
}

function encodeOutcome({ n, nModified, upserted }: Outcome): BDoc | null {
  if (n === 1 && nModified === undefined && upserted === undefined) return null;
  const document = BDoc.of(['n', n]);
  if (nModified !== undefined) document.set('nModified', nModified);
  if (upserted !== undefined) document.set('upserted', upserted);
  return document;
}

function decodeOutcome(stored: BDoc | null): Outcome {
  if (!stored) return { n: 1 };
  const outcome: Outcome = { n: Number(stored.get('n')) };
  const nModified = stored.get('nModified');
  const upserted = stored.get('upserted');
  if (nModified !== undefined) outcome.nModified = Number(nModified);
  if (upserted !== undefined) outcome.upserted = upserted;
  return outcome;
}
