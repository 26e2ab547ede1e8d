import { describe } from '../bson/describe.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { fields, integer, parseFields } from './schema.js';
import type { Args } from './schema.js';

const DATA = fields({
  array: ['failCommands', 'errorLabels'],
  int: ['errorCode', 'failBeforeCommitExceptionCode'],
  bool: ['closeConnection'],
  doc: ['writeConcernError'],
  string: ['namespace', 'appName'],
  refused: ['blockConnection', 'blockTimeMS', 'failInternalCommands'],
});
type Data = Args<typeof DATA.lists>;

/** A fault that a test asked for. */
export interface Fault {
  errorCode?: number | undefined;
  errorLabels?: string[] | undefined;
  writeConcernError?: BDoc | undefined;
  closeConnection: boolean;
  /** `onPrimaryTransactionalWrite` without an error code: the write happens, then the connection breaks. */
  afterWrite: boolean;
}

interface Armed {
  /** Commands that are still spared, then commands that still fail. */
  skip: number;
  remaining: number;
  data: Data;
}

/** Faults for tests, reachable only with `--test-commands`. */
export class FailPoints {
  private readonly armed = new Map<string, Armed>();

  configure(name: BValue, mode: BValue, data: BDoc): void {
    if (name !== 'failCommand' && name !== 'onPrimaryTransactionalWrite')
      throw unsupported(`the fail point ${describe(name)}`);
    if (mode === 'off') this.armed.delete(name);
    else this.armed.set(name, { ...parseMode(mode), data: parseFields('data', DATA, data) });
  }

  /**
   * The fault that a command meets, if any; counts it. `isNewWrite` tells a retryable write that is still to be done
   * from everything else, also from one that is only answered again.
   */
  hit(command: string, ns: string, appName: string | undefined, isNewWrite: () => boolean): Fault | null {
    if (this.armed.size === 0) return null;
    const failing = this.take('failCommand', (data) => matches(data, command, ns, appName));
    if (failing) return faultOf(failing, failing.closeConnection ?? false);
    const write = this.take('onPrimaryTransactionalWrite', isNewWrite);
    if (!write) return null;
    const errorCode = write.failBeforeCommitExceptionCode;
    return {
      ...faultOf(write, write.closeConnection ?? true),
      errorCode,
      afterWrite: errorCode === undefined,
    };
  }

  private take(name: string, concerns: (data: Data) => boolean): Data | null {
    const armed = this.armed.get(name);
    if (!armed || !concerns(armed.data)) return null;
    if (armed.skip > 0) {
      armed.skip -= 1;
      return null;
    }
    armed.remaining -= 1;
    if (armed.remaining <= 0) this.armed.delete(name);
    return armed.data;
  }
}

function parseMode(mode: BValue): { skip: number; remaining: number } {
  const [times, skip] = ['times', 'skip'].map((key) =>
    mode instanceof BDoc ? integer(mode.get(key)) : undefined,
  );
  if (mode === 'alwaysOn' || times !== undefined || skip !== undefined)
    return { skip: skip ?? 0, remaining: times ?? Infinity };
  throw new CommandError('BadValue', "a mode must be 'off', 'alwaysOn', {times: n} or {skip: n}");
}

function matches(
  { failCommands, namespace, appName }: Data,
  command: string,
  ns: string,
  app?: string,
): boolean {
  if (!failCommands?.includes(command)) return false;
  return (appName === undefined || appName === app) && (namespace === undefined || namespace === ns);
}

function faultOf({ errorCode, errorLabels, writeConcernError }: Data, closeConnection: boolean): Fault {
  const labels = errorLabels?.map(String);
  return { errorCode, errorLabels: labels, writeConcernError, closeConnection, afterWrite: false };
}
