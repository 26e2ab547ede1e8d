import { doc } from '../bson/plain.js';
import { BDoc } from '../bson/values.js';
import { Catalog } from '../catalog/catalog.js';
import { splitNamespace, type Collection } from '../catalog/collection.js';
import { unsupported } from '../errors.js';
import { Oplog, type OplogOp } from '../oplog/oplog.js';
import { RetryRecords } from '../session/retry-records.js';
import { CommitClock } from './commit-clock.js';
import { Database } from './database.js';
import { DocumentWrites } from './document-writes.js';
import { WriteQueue } from './write-queue.js';

/** Everything that is stored, and the one queue through which it changes. */
export class Engine {
  readonly catalog: Catalog;
  readonly oplog: Oplog;
  readonly clock: CommitClock;
  readonly retries: RetryRecords;
  readonly queue: WriteQueue;
  readonly writes = new DocumentWrites(this);
  private readonly db: Database;

  constructor({ directory, oplogMaxBytes }: { directory: string; oplogMaxBytes: number }) {
    this.db = new Database(directory);
    this.oplog = new Oplog(this.db, oplogMaxBytes);
    this.catalog = new Catalog(this.db, this.oplog);
    this.catalog.load();
    this.catalog.dropUnfinishedIndexes();
    this.clock = new CommitClock(this.oplog.newest());
    this.retries = new RetryRecords(this.db);
    this.queue = new WriteQueue(this.db, {
      beforeCommit: () => {
        this.retries.save();
        this.catalog.saveCounters();
        this.oplog.trim();
      },
      rolledBack: () => {
        this.catalog.load();
        this.retries.reset();
        this.oplog.recount();
      },
    });
  }

  /** The collection to write to, made if it is not there yet; inside a write batch. */
  collectionForWrite(ns: string): Collection {
    return this.writable(this.catalog.get(ns) ?? this.createCollection(ns));
  }

  /** The collection itself, if clients may write to it. */
  writable(collection: Collection): Collection {
    if (collection !== this.oplog) return collection;
    throw unsupported(`a write to ${collection.ns}`);
  }

  createCollection(ns: string): Collection {
    const collection = this.catalog.create(ns);
    this.logCommand(collection.db, BDoc.of(['create', collection.name]), collection);
    return collection;
  }

  dropCollection(collection: Collection): void {
    this.writable(collection);
    this.logCommand(collection.db, BDoc.of(['drop', collection.name]), collection);
    this.catalog.drop(collection);
  }

  /** Gives a collection another name; one that has it goes. */
  renameCollection(collection: Collection, to: string): void {
    const from = this.writable(collection).ns;
    const replaced = this.catalog.get(to);
    if (replaced) this.catalog.drop(this.writable(replaced));
    this.catalog.rename(collection, to);
    const entry = { renameCollection: from, to, stayTemp: false, dropTarget: replaced !== undefined };
    this.logCommand(splitNamespace(from)[0], doc(entry), collection);
  }

  /** Writes a `c` entry: collections and indexes that come and go are part of the history. */
  logCommand(db: string, command: BDoc, collection?: Collection): void {
    this.log('c', { ns: `${db}.$cmd`, uuid: collection?.uuid ?? null }, command.toBytes());
  }

  /** Appends to the oplog, unless it is the business of this server alone; returns the commit time. */
  log(op: OplogOp, { ns, uuid }: { ns: string; uuid: Buffer | null }, o: Buffer): number {
    const ts = this.clock.next();
    if (!ns.startsWith('local.')) this.oplog.append(ts, op, ns, uuid, o);
    return ts;
  }

  close(): void {
    this.oplog.close();
    this.db.close();
  }
}
