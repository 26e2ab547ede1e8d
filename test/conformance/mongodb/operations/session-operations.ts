import type { ClientSession } from 'mongodb';
import type { OperationSpec } from '../spec-file.js';
import type { Arguments } from './arguments.js';

/** Runs steps of a test; `withTransaction` runs its callback through it. */
export type RunSteps = (steps: OperationSpec[]) => Promise<void>;

type SessionOperation = (session: ClientSession, args: Arguments, run: RunSteps) => Promise<unknown>;

export const sessionOperations: Record<string, SessionOperation> = {
  startTransaction: async (session, args) => session.startTransaction(args.options()),
  commitTransaction: (session) => session.commitTransaction(),
  abortTransaction: (session) => session.abortTransaction(),
  withTransaction: async (session, args, run) => {
    const steps = args.required<OperationSpec[]>('callback');
    await session.withTransaction(() => run(steps), args.options());
  },
  endSession: (session) => session.endSession(),
  getSnapshotTime: async (session) => (session as unknown as { snapshotTime?: unknown }).snapshotTime,
};
