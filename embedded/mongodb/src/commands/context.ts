import type { Timestamp } from 'bson';
import type { BDoc, BValue } from '../bson/values.js';
import { checkDatabaseName } from '../catalog/collection.js';
import type { CursorStore } from '../cursor/cursor-store.js';
import type { EvalContext } from '../expr/context.js';
import { CommandError, unsupported } from '../errors.js';
import { OPLOG_NAMESPACE } from '../oplog/oplog.js';
import { toTimestamp } from '../storage/commit-clock.js';
import type { Engine } from '../storage/engine.js';
import type { RetryableWrite } from '../session/retry-records.js';
import type { ServerInfo } from '../server-info.js';
import type { FailPoints } from './fail-points.js';
import type { Args, Schema } from './schema.js';

/** What a command may use of the server. */
export interface Services {
  engine: Engine;
  cursors: CursorStore;
  info: ServerInfo;
  failPoints: FailPoints;
}

/** What the server knows of a client connection. */
export interface Peer {
  id: number;
  address: string;
  appName: string | undefined;
}

/** One running command. */
export interface CommandContext extends Services {
  name: string;
  db: string;
  /** The value of the command's own field, as `'orders'` in `{find: 'orders'}`. */
  target: BValue;
  body: BDoc;
  peer: Peer;
  lsid: string | null;
  /** Set for a write that the client may repeat. */
  retryable: RetryableWrite | null;
  /** Milliseconds since 1970 after which the command gives up; Infinity without `maxTimeMS`. */
  deadline: number;
  exhaustAllowed: boolean;
}

/** A command: its fields and what it does. `ok`, the cluster time and errors are added by the dispatcher. */
export interface Command<S extends Schema = Schema> {
  name: string;
  aliases?: readonly string[];
  adminOnly?: boolean;
  /** Writes take a write concern and get `RetryableWriteError` labels. */
  writes?: boolean;
  help: string;
  schema: S;
  run(args: Args<S>, context: CommandContext): BDoc | Promise<BDoc>;
}

/** Lets a command be declared with its own schema and listed with all others. */
export function defineCommand<S extends Schema>(command: Command<S>): Command {
  return command as unknown as Command;
}

/** `db.collection` of a command whose target is a collection name; 73 otherwise. */
export function namespaceOf(context: CommandContext): string {
  const ns = `${context.db}.${collectionName(context)}`;
  if (ns === OPLOG_NAMESPACE && !OPLOG_COMMANDS.has(context.name))
    throw unsupported(`${context.name} on ${ns}`);
  return ns;
}

/** The oplog is a table of its own and no collection: only these commands know how to read it. */
const OPLOG_COMMANDS = new Set(['find', 'count', 'listIndexes']);

export function collectionName({ target, db }: CommandContext): string {
  checkDatabaseName(db);
  if (typeof target === 'string' && target !== '' && !target.includes('\0')) return target;
  throw new CommandError(
    'InvalidNamespace',
    `the collection name must be a non-empty string, got ${typeof target}`,
  );
}

const NO_VARIABLES: ReadonlyMap<string, BValue> = new Map();

/** What expressions and filters of a command see: one `$$NOW` and its `let` variables. */
export function evalContextOf({ engine }: CommandContext, variables?: BDoc): OperationContext {
  return new OperationContext(engine, variables ? new Map(variables.entries()) : NO_VARIABLES);
}

export class OperationContext implements EvalContext {
  readonly now = new Date();

  constructor(
    private readonly engine: Engine,
    readonly vars: ReadonlyMap<string, BValue>,
  ) {}

  /** Made on demand, because few operations ask for it. */
  get clusterTime(): Timestamp {
    return toTimestamp(this.engine.clock.current);
  }

  /** The same operation with more variables, as for the constants of an update. */
  with(variables: [string, BValue][]): EvalContext {
    return new OperationContext(this.engine, new Map([...this.vars, ...variables]));
  }
}

/** Only the binary collation exists here; `{locale: 'simple'}` names it. */
export function checkCollation(collation: BDoc | undefined): void {
  if (collation && collation.size > 0 && collation.get('locale') !== 'simple')
    throw unsupported('a collation');
}
