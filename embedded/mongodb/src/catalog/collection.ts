import type { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { RecordTable } from '../storage/tables.js';
import type { Index } from './index.js';

/** First and last record id. */
export type RidRange = readonly [number, number];
const ALL_RIDS: RidRange = [0, Number.MAX_SAFE_INTEGER - 1];

/** A collection as the catalog keeps it in memory. Counters are stored with the commit that changed them. */
export class Collection {
  readonly indexes: Index[] = [];
  /** Set when the collection is dropped, so that open cursors notice. */
  dropped = false;
  /** Counts the writes: a read that holds rows of an earlier version reads them again. */
  version = 0;

  constructor(
    readonly cid: number,
    public ns: string,
    readonly uuid: Buffer,
    readonly records: RecordTable,
    public count: number,
    public bytes: number,
    public nextRid: number,
  ) {}

  get db(): string {
    return splitNamespace(this.ns)[0];
  }

  get name(): string {
    return splitNamespace(this.ns)[1];
  }

  /** The one on `_id`; only the oplog has none. */
  get idIndex(): Index | undefined {
    return this.indexes[0];
  }

  get readyIndexes(): Index[] {
    return this.indexes.filter((index) => index.state === 'ready');
  }

  /** Whether the records stand in the order of that field. */
  isNaturalOrder(path: string): boolean {
    return path === '$natural';
  }

  /** The records that a filter may match, as far as their ids tell. */
  ridRange(_filter: BDoc): RidRange {
    return ALL_RIDS;
  }
}

/** `db.a.b` is database `db`, collection `a.b`. */
export function splitNamespace(ns: string): [string, string] {
  const dot = ns.indexOf('.');
  return dot < 0 ? [ns, ''] : [ns.slice(0, dot), ns.slice(dot + 1)];
}

const MAX_DB_NAME_BYTES = 63;
const MAX_NAMESPACE_BYTES = 255;

/** Throws error 73 for a name that MongoDB refuses. */
export function checkDatabaseName(db: string): void {
  if (db !== '' && Buffer.byteLength(db) <= MAX_DB_NAME_BYTES && !/[/\\. "$\0]/.test(db)) return;
  throw new CommandError('InvalidNamespace', `Invalid database name: '${db}'`);
}

/** Throws error 73 for a collection name that cannot be created or written. */
export function checkCollectionName(db: string, name: string): void {
  checkDatabaseName(db);
  if (/^$|^\.|\.$|[$\0]/.test(name))
    throw new CommandError('InvalidNamespace', `Invalid namespace specified '${db}.${name}'`);
  if (name.startsWith('system.'))
    throw new CommandError('InvalidNamespace', `Invalid system namespace: ${db}.${name}`);
  const bytes = Buffer.byteLength(db) + 1 + Buffer.byteLength(name);
  if (bytes > MAX_NAMESPACE_BYTES)
    throw new CommandError(
      'InvalidNamespace',
      `expected at most ${MAX_NAMESPACE_BYTES} bytes, got ${bytes}: ${db}.${name}`,
    );
}
