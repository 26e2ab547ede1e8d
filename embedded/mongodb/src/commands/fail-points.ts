import { describe } from '../bson/expect.js';
import { BDoc, type BValue } from '../bson/values.js';
import { unsupported, badValue } from '../errors.js';
import { fields, integer, parseFields, type Args } from './schema.js';

const DATA = fields({
  array: 'failCommands errorLabels',
  int: 'errorCode failBeforeCommitExceptionCode',
  bool: 'closeConnection',
  doc: 'writeConcernError',
  string: 'namespace appName',
});
type Data = Args<typeof DATA>;

/** A fault that a test asked for. */
export interface Fault extends Data {
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
  hit(command: string, ns: string, app: string | undefined, isNewWrite: () => boolean): Fault | null {
    if (this.armed.size === 0) return null;
    const failing = this.take('failCommand', ({ failCommands = [], namespace = ns, appName = app }) => {
      return failCommands.includes(command) && namespace === ns && appName === app;
    });
    if (failing) return { ...failing, afterWrite: false };
    const write = this.take('onPrimaryTransactionalWrite', isNewWrite);
    if (!write) return null;
    const { failBeforeCommitExceptionCode: errorCode, closeConnection = true } = write;
    return { ...write, errorCode, closeConnection, afterWrite: errorCode === undefined };
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
  const given = mode instanceof BDoc ? mode : BDoc.of();
  const times = integer(given.get('times'));
  const skip = integer(given.get('skip'));
  if (mode === 'alwaysOn' || times !== undefined || skip !== undefined)
    return { skip: skip ?? 0, remaining: times ?? Infinity };
  throw badValue("a mode must be 'off', 'alwaysOn', {times: n} or {skip: n}");
}
