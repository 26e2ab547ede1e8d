import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { integer } from './schema.js';

/** A fault that a test asked for. */
export interface Fault {
  errorCode: number | undefined;
  errorLabels: string[] | undefined;
  writeConcernError: BDoc | undefined;
  closeConnection: boolean;
  blockMs: number;
  /** `onPrimaryTransactionalWrite` without an error code: the write happens, then the connection breaks. */
  afterWrite: boolean;
}

interface Armed {
  remaining: number;
  skip: number;
  data: BDoc;
}

const NAMES = ['failCommand', 'onPrimaryTransactionalWrite'];

/** Faults for tests, reachable only with `--test-commands`. */
export class FailPoints {
  private readonly armed = new Map<string, Armed>();

  configure(name: string, mode: BValue, data: BDoc): void {
    if (!NAMES.includes(name)) throw unsupported(`the fail point '${name}'`);
    if (mode === 'off') this.armed.delete(name);
    else this.armed.set(name, { ...parseMode(mode), data });
  }

  /**
   * The fault that a command meets, if any; counts it. `isNewWrite` tells a retryable write that is still to be done
   * from everything else, also from one that is only answered again.
   */
  hit(command: string, ns: string, appName: string | undefined, isNewWrite: () => boolean): Fault | null {
    if (this.armed.size === 0) return null;
    const fail = this.armed.get('failCommand');
    if (fail && matches(fail.data, command, ns, appName) && this.take('failCommand', fail))
      return faultOf(fail.data);
    const write = this.armed.get('onPrimaryTransactionalWrite');
    if (!write || !isNewWrite() || !this.take('onPrimaryTransactionalWrite', write)) return null;
    const before = integer(write.data.get('failBeforeCommitExceptionCode') ?? null);
    return {
      ...faultOf(write.data),
      errorCode: before,
      closeConnection: write.data.get('closeConnection') !== false,
      afterWrite: before === undefined,
    };
  }

  private take(name: string, armed: Armed): boolean {
    if (armed.skip > 0) {
      armed.skip -= 1;
      return false;
    }
    armed.remaining -= 1;
    if (armed.remaining <= 0) this.armed.delete(name);
    return true;
  }
}

function parseMode(mode: BValue): { remaining: number; skip: number } {
  if (mode === 'alwaysOn') return { remaining: Infinity, skip: 0 };
  const times = mode instanceof BDoc ? integer(mode.get('times') ?? null) : undefined;
  const skip = mode instanceof BDoc ? integer(mode.get('skip') ?? null) : undefined;
  if (times !== undefined) return { remaining: times, skip: 0 };
  if (skip !== undefined) return { remaining: Infinity, skip };
  throw new CommandError(
    'BadValue',
    "a fail point's mode must be 'off', 'alwaysOn', {times: n} or {skip: n}",
  );
}

function matches(data: BDoc, command: string, ns: string, appName: string | undefined): boolean {
  const commands = data.get('failCommands');
  if (!Array.isArray(commands) || !commands.includes(command)) return false;
  const wantedApp = data.get('appName');
  const wantedNs = data.get('namespace');
  return (wantedApp === undefined || wantedApp === appName) && (wantedNs === undefined || wantedNs === ns);
}

function faultOf(data: BDoc): Fault {
  const labels = data.get('errorLabels');
  const writeConcernError = data.get('writeConcernError');
  const blocks = data.get('blockConnection') === true;
  return {
    errorCode: integer(data.get('errorCode') ?? null),
    errorLabels: Array.isArray(labels) ? labels.map(String) : undefined,
    writeConcernError: writeConcernError instanceof BDoc ? writeConcernError : undefined,
    closeConnection: data.get('closeConnection') === true,
    blockMs: blocks ? (integer(data.get('blockTimeMS') ?? null) ?? 0) : 0,
    afterWrite: false,
  };
}
