import { Catalog } from '../catalog/catalog.js';
import type { Collection } from '../catalog/collection.js';
import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { OPLOG_NAMESPACE, Oplog } from '../oplog/oplog.js';
import { RetryRecords } from '../session/retry-records.js';
import { CommitClock } from './commit-clock.js';
import { Database } from './database.js';
import { DocumentWrites } from './document-writes.js';
import { WriteQueue } from './write-queue.js';

export interface EngineOptions {
  directory: string;
  oplogMaxBytes: number;
}

/** Everything that is stored, and the one queue through which it changes. */
export class Engine {
  readonly db: Database;
  readonly catalog: Catalog;
  readonly oplog: Oplog;
  readonly clock: CommitClock;
  readonly retries: RetryRecords;
  readonly queue: WriteQueue;
  readonly writes: DocumentWrites;
  private commits = 0;

  constructor(options: EngineOptions) {
    this.db = new Database(options.directory);
    this.catalog = new Catalog(this.db);
    this.catalog.load();
    this.catalog.dropUnfinishedIndexes();
    this.oplog = new Oplog(this.db, options.oplogMaxBytes);
    this.clock = new CommitClock(this.oplog.newest());
    this.retries = new RetryRecords(this.db);
    this.queue = new WriteQueue(this.db, {
      beforeCommit: () => this.beforeCommit(),
      committed: () => {
        this.commits += 1;
      },
      rolledBack: () => this.rolledBack(),
    });
    this.writes = new DocumentWrites({
      catalog: this.catalog,
      oplog: this.oplog,
      clock: this.clock,
      addBytes: (bytes) => this.queue.addBytes(bytes),
    });
  }

  /** Changes with every commit. */
  readonly epoch = (): number => this.commits;

  /** The collection to write to, made if it is not there yet; inside a write batch. */
  collectionForWrite(ns: string): Collection {
    return this.catalog.get(ns) ?? this.createCollection(ns);
  }

  createCollection(ns: string, options: BDoc = BDoc.of()): Collection {
    if (ns === OPLOG_NAMESPACE)
      throw new CommandError('IllegalOperation', `${ns} is written by the server only`);
    const collection = this.catalog.create(ns, options);
    this.logCommand(collection.db, BDoc.of(['create', collection.name], ...options.entries()), collection);
    return collection;
  }

  dropCollection(collection: Collection): void {
    this.logCommand(collection.db, BDoc.of(['drop', collection.name]), collection);
    this.catalog.drop(collection);
  }

  /** Writes a `c` entry: collections and indexes that come and go are part of the history. */
  logCommand(db: string, command: BDoc, collection?: Collection): void {
    this.oplog.append({
      ts: this.clock.next(),
      op: 'c',
      ns: `${db}.$cmd`,
      uuid: collection?.uuid ?? null,
      o: command.toBytes(),
      o2: null,
    });
  }

  /** Writes a no-op entry, as after a pause or for a client that has seen a later time. */
  logNoop(reason: string): void {
    const o = BDoc.of(['msg', reason]).toBytes();
    this.oplog.append({ ts: this.clock.next(), op: 'n', ns: '', uuid: null, o, o2: null });
  }

  close(): void {
    this.oplog.close();
    this.db.checkpoint();
    this.db.close();
  }

  private beforeCommit(): void {
    this.retries.save();
    this.catalog.saveCounters();
    this.oplog.trim();
  }

  private rolledBack(): void {
    this.commits += 1;
    this.catalog.load();
    this.retries.reset();
    this.oplog.recount();
  }
}
