import { MongoBulkWriteError, MongoClientBulkWriteError, MongoError, MongoServerError } from 'mongodb';
import type { ClientBulkWriteResult, Document } from 'mongodb';
import { expectMatch } from './matcher.js';
import type { NamedValues } from './matcher.js';
import { bulkResult, clientBulkResult } from './operations/bulk-write.js';

/** Throws where an operation's error is not the one that the test expects. */
export function expectError(expected: Document, thrown: unknown, names: NamedValues): void {
  const error = thrown as Error;
  for (const [what, value] of Object.entries(expected)) {
    const check = CHECKS[what];
    if (!check) throw new Error(`expected a check that the runner knows, got expectError.${what}`);
    try {
      check(value as never, error, names);
    } catch (mismatch) {
      const { message } = mismatch as Error;
      throw new Error(`expectError.${what}: ${message}; the error was: ${describe(error)}`, { cause: error });
    }
  }
}

const CHECKS: Record<string, (value: never, error: Error, names: NamedValues) => void> = {
  isError: () => undefined,
  isClientError: (value: boolean, error) => equal(!(error instanceof MongoServerError), value),
  errorContains: (value: string, error) => {
    if (!error.message.toLowerCase().includes(value.toLowerCase()))
      throw new Error(`expected '${value}' in the text`);
  },
  errorCode: (value: unknown, error) => equal(server(error).code, Number(value)),
  errorCodeName: (value: string, error) => equal(server(error).codeName, value),
  errorLabelsContain: (value: string[], error) => {
    for (const label of value) if (!hasLabel(error, label)) throw new Error(`expected the label ${label}`);
  },
  errorLabelsOmit: (value: string[], error) => {
    for (const label of value) if (hasLabel(error, label)) throw new Error(`expected no label ${label}`);
  },
  errorResponse: (value: Document, error, names) =>
    expectMatch(value, server(error).errorResponse, names, 'reply'),
  expectResult: (value: unknown, error, names) =>
    expectMatch(value, partialResult(error), names, 'partial result'),
  writeErrors: (value: Document, error, names) => {
    const { writeErrors } = clientBulk(error);
    expectMatch(Object.keys(value), [...writeErrors.keys()].map(String), names, 'indexes of writeErrors');
    for (const [index, each] of Object.entries(value))
      expectMatch(each, writeErrors.get(Number(index)), names, `writeErrors.${index}`);
  },
  writeConcernErrors: (value: unknown, error, names) =>
    expectMatch(value, clientBulk(error).writeConcernErrors, names, 'writeConcernErrors'),
};

/** Where a client bulk write ended early, what ended it is the cause of the driver's error. */
function originOf(error: Error): unknown {
  return error instanceof MongoClientBulkWriteError && error.cause ? error.cause : error;
}

function server(error: Error): MongoServerError {
  const origin = originOf(error);
  if (origin instanceof MongoServerError) return origin;
  throw new Error('expected an error of the server');
}

function clientBulk(error: Error): MongoClientBulkWriteError {
  if (error instanceof MongoClientBulkWriteError) return error;
  throw new Error('expected the error of a client bulk write');
}

function partialResult(error: Error): Document | undefined {
  if (error instanceof MongoBulkWriteError) return withInsertedIds(bulkResult(error.result));
  const { partialResult: result } = clientBulk(error);
  return result && hasChanges(result) ? clientBulkResult(result) : undefined;
}

/** The driver lists the ids that it has sent when a network error ends a bulk write, also if none was inserted. */
function withInsertedIds(result: Document): Document {
  return result['insertedCount'] === 0 ? { ...result, insertedIds: {} } : result;
}

/** Where nothing was written the test format has no partial result; the driver has one that is all zeros. */
function hasChanges({
  insertedCount,
  upsertedCount,
  matchedCount,
  deletedCount,
}: ClientBulkWriteResult): boolean {
  return insertedCount + upsertedCount + matchedCount + deletedCount > 0;
}

function hasLabel(error: Error, label: string): boolean {
  const origin = originOf(error);
  return origin instanceof MongoError && origin.hasErrorLabel(label);
}

function describe(error: Error): string {
  const { code } = error as MongoServerError;
  return `${error.name}${code === undefined ? '' : ` ${code}`} ${error.message}`;
}

function equal(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`expected ${String(expected)}, got ${String(actual)}`);
}
