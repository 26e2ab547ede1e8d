import type { BDoc, BValue } from '../bson/values.js';
import { checkDatabaseName, type Collection } from '../catalog/collection.js';
import type { CursorStore } from '../cursor/cursor.js';
import { CommandError } from '../errors.js';
import type { ServerInfo } from '../server-info.js';
import type { RetryableWrite } from '../session/retry-records.js';
import type { Engine } from '../storage/engine.js';
import type { FailPoints } from './fail-points.js';
import { fields, type Args, type FieldLists, type Schema } from './schema.js';

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
  /** Milliseconds since 1970 after which the command gives up, or of a cursor each batch; Infinity without `maxTimeMS`. */
  deadline: number;
}

/** A command: its fields and what it does. `ok`, the cluster time and errors are added by the dispatcher. */
export interface Command<F extends FieldLists = FieldLists> {
  adminOnly?: boolean;
  /** Writes take a write concern and get `RetryableWriteError` labels. */
  writes?: boolean;
  /** Runs as one step of a write batch, so that nothing is written meanwhile. */
  exclusive?: boolean;
  fields: Schema<F>;
  run(args: Args<Schema<F>>, context: CommandContext): BDoc | Promise<BDoc>;
}

/** Commands by name. */
export type CommandTable = Readonly<Record<string, Command>>;

/** Lets a command be declared with its own schema and listed with all others; without fields it takes none. */
export function command<const F extends FieldLists>(
  declared: Omit<Command<F>, 'fields'> & { fields?: Schema<F> },
): Command {
  return { fields: fields({}), ...declared } as unknown as Command;
}

/** Runs a command whose fields are checked. */
export function run(found: Command, args: object, context: CommandContext): BDoc | Promise<BDoc> {
  return found.exclusive
    ? context.engine.queue.once(() => found.run(args, context) as BDoc)
    : found.run(args, context);
}

/** `db.collection` of a command whose target is a collection name; 73 otherwise. */
export function namespaceOf({ db, target }: CommandContext): string {
  checkDatabaseName(db);
  if (typeof target !== 'string' || target === '' || target.includes('\0'))
    throw new CommandError('InvalidNamespace', `collection names are texts, got ${typeof target}`);
  return `${db}.${target}`;
}

/** The collection of a command, or error 26. */
export function existing(context: CommandContext): Collection {
  const ns = namespaceOf(context);
  const collection = context.engine.catalog.get(ns);
  if (collection) return collection;
  throw new CommandError('NamespaceNotFound', `ns does not exist: ${ns}`);
}
