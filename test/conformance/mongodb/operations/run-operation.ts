import { AbstractCursor, ChangeStream, ClientSession, Collection, Db, GridFSBucket } from 'mongodb';
import { expectError } from '../expected-error.js';
import { expectMatch } from '../matcher.js';
import { ObservedClient } from '../observed-client.js';
import type { OperationSpec } from '../spec-file.js';
import { Arguments, MalformedTest } from './arguments.js';
import { bucketOperations } from './bucket-operations.js';
import { clientOperations } from './client-operations.js';
import { collectionOperations } from './collection-operations.js';
import { cursorOperations } from './cursor-operations.js';
import { databaseOperations } from './database-operations.js';
import { runnerOperations } from './runner-operations.js';
import type { RunnerState } from './runner-operations.js';
import { sessionOperations } from './session-operations.js';

/** Runs steps one after the other and checks what each must answer. */
export async function runOperations(operations: OperationSpec[], state: RunnerState): Promise<void> {
  for (const operation of operations) await runOperation(operation, state);
}

async function runOperation(operation: OperationSpec, state: RunnerState): Promise<void> {
  const { name, object, expectResult, expectError: expected, saveResultAsEntity } = operation;
  const perform = operationOf(operation, state);
  let result: unknown;
  try {
    result = await perform();
  } catch (error) {
    if (error instanceof MalformedTest || object === 'testRunner') throw error;
    if (operation.ignoreResultAndError) return;
    if (!expected) throw new Error(`${name} failed: ${(error as Error).message}`, { cause: error });
    return expectError(expected, error, state.entities);
  }
  if (expected) throw new Error(`expected ${name} to fail, it succeeded`);
  if (expectResult !== undefined) expectMatch(expectResult, result, state.entities, name);
  if (saveResultAsEntity !== undefined) state.entities.save(saveResultAsEntity, result);
}

/** Finds what an operation is, which fails the test if there is no such thing, before it is run. */
function operationOf(
  { name, object, arguments: raw }: OperationSpec,
  state: RunnerState,
): () => Promise<unknown> {
  const args = new Arguments(raw, state.entities);
  const on = object === 'testRunner' ? undefined : state.entities.value(object);
  const run = (steps: OperationSpec[]): Promise<void> => runOperations(steps, state);
  if (on === undefined) return bind(runnerOperations[name], name, (does) => does(state, args));
  if (on instanceof ObservedClient)
    return bind(clientOperations[name], name, (does) => does(on.client, args));
  if (on instanceof Db) return bind(databaseOperations[name], name, (does) => does(on, args));
  if (on instanceof Collection) return bind(collectionOperations[name], name, (does) => does(on, args));
  if (on instanceof GridFSBucket) return bind(bucketOperations[name], name, (does) => does(on, args));
  if (on instanceof ClientSession) return bind(sessionOperations[name], name, (does) => does(on, args, run));
  if (on instanceof AbstractCursor || on instanceof ChangeStream)
    return bind(cursorOperations[name], name, (does) => does(on));
  throw new MalformedTest(`expected ${object} to have operations`);
}

function bind<Does>(
  does: Does | undefined,
  name: string,
  call: (does: Does) => Promise<unknown>,
): () => Promise<unknown> {
  if (!does) throw new MalformedTest(`expected an operation that the runner knows, got ${name}`);
  return async () => call(does);
}
