import { UUID } from 'bson';
import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { asBuffer, type Database } from '../storage/database.js';
import { IndexTable, RecordTable } from '../storage/tables.js';
import { Collection, checkCollectionName, splitNamespace } from './collection.js';
import {
  Index,
  parseIndexSpec,
  readIndexSpec,
  specDocument,
  type IndexSpec,
  type IndexState,
} from './index.js';

/**
 * Databases, collections and indexes. Every change happens inside a write batch and goes to the tables `coll` and
 * `idx` at once; after a rollback `load` reads memory back from them.
 */
export class Catalog {
  private collections = new Map<string, Collection>();
  private readonly dirty = new Set<Collection>();

  constructor(
    private readonly db: Database,
    private readonly oplog: Collection,
  ) {}

  load(): void {
    for (const collection of this.collections.values()) collection.dropped = collection !== this.oplog;
    this.collections = new Map([[this.oplog.ns, this.oplog]]);
    this.dirty.clear();
    const rows = this.db.statement('SELECT cid,ns,uuid,count,bytes,next_rid FROM coll ORDER BY cid');
    // Whoever was building one is gone with the process, or ends because what he builds on counts as dropped now.
    const ofIndexes = this.db.statement(
      "SELECT iid,spec,multikey FROM idx WHERE cid=? AND state='ready' ORDER BY iid",
    );
    for (const row of rows.all() as unknown as CollectionRow[]) {
      const collection = this.opened(...row);
      for (const [iid, spec, multikey] of ofIndexes.all(collection.cid) as unknown as IndexRow[]) {
        const paths = multikey ? multikey.split('\0') : [];
        this.openedIndex(collection, iid, readIndexSpec(BDoc.fromBytes(asBuffer(spec))), 'ready', paths);
      }
    }
  }

  /** Drops indexes whose build a crash or a rollback cut short: their creation was never acknowledged. */
  dropUnfinishedIndexes(): void {
    const unfinished = this.db.statement("SELECT iid FROM idx WHERE state='building'").all();
    for (const [iid] of unfinished as unknown as [number][])
      this.db.sqlite.exec(`DROP TABLE IF EXISTS i_${iid}; DELETE FROM idx WHERE iid=${iid}`);
  }

  get(ns: string): Collection | undefined {
    return this.collections.get(ns);
  }

  /** Collections of a database, or all, by name. */
  list(db?: string): Collection[] {
    const all = [...this.collections.values()].filter((one) => db === undefined || one.db === db);
    return all.sort((a, b) => (a.ns < b.ns ? -1 : 1));
  }

  create(ns: string): Collection {
    const [db, name] = splitNamespace(ns);
    checkCollectionName(db, name);
    this.checkDatabaseCase(db);
    const uuid = new UUID().buffer;
    const { lastInsertRowid } = this.db
      .statement('INSERT INTO coll(ns,uuid,created,count,bytes,next_rid) VALUES(?,?,?,0,0,1)')
      .run(ns, uuid, Date.now());
    const collection = this.opened(Number(lastInsertRowid), ns, uuid, 0, 0, 1);
    collection.records.create();
    const byId = BDoc.of(['key', BDoc.of(['_id', 1])], ['name', '_id_']);
    this.addIndex(collection, parseIndexSpec(byId), 'ready');
    return collection;
  }

  drop(collection: Collection): void {
    for (const index of collection.indexes) this.deleteIndex(index);
    collection.records.drop();
    this.db.statement('DELETE FROM coll WHERE cid=?').run(collection.cid);
    this.collections.delete(collection.ns);
    this.dirty.delete(collection);
    collection.dropped = true;
  }

  rename(collection: Collection, ns: string): void {
    const [db, name] = splitNamespace(ns);
    checkCollectionName(db, name);
    this.db.statement('UPDATE coll SET ns=? WHERE cid=?').run(ns, collection.cid);
    this.collections.delete(collection.ns);
    collection.ns = ns;
    this.collections.set(ns, collection);
  }

  addIndex(collection: Collection, spec: IndexSpec, state: IndexState): Index {
    const { lastInsertRowid } = this.db
      .statement("INSERT INTO idx(cid,name,spec,state,multikey) VALUES(?,?,?,?,'')")
      .run(collection.cid, spec.name, specDocument(spec).toBytes(), state);
    const index = this.openedIndex(collection, Number(lastInsertRowid), spec, state, []);
    index.table.create();
    return index;
  }

  /** Replaces an index by one on the same table with another state or other options. */
  alterIndex(collection: Collection, index: Index, change: { spec?: IndexSpec; state?: IndexState }): void {
    const { table, multikey } = index;
    const altered = new Index(change.spec ?? index.spec, table, change.state ?? index.state, multikey);
    this.db
      .statement('UPDATE idx SET spec=?,state=? WHERE iid=?')
      .run(specDocument(altered.spec).toBytes(), altered.state, table.iid);
    collection.indexes[collection.indexes.indexOf(index)] = altered;
  }

  dropIndex(collection: Collection, index: Index): void {
    this.deleteIndex(index);
    collection.indexes.splice(collection.indexes.indexOf(index), 1);
  }

  addMultikeyPaths(index: Index, paths: string[]): void {
    for (const path of paths) index.multikey.add(path);
    this.db
      .statement('UPDATE idx SET multikey=? WHERE iid=?')
      .run([...index.multikey].join('\0'), index.table.iid);
  }

  /** After a write: marks counters for the next {@link saveCounters}. */
  touch(collection: Collection): void {
    collection.version += 1;
    this.dirty.add(collection);
  }

  saveCounters(): void {
    const update = this.db.statement('UPDATE coll SET count=?,bytes=?,next_rid=? WHERE cid=?');
    for (const { count, bytes, nextRid, cid } of this.dirty) update.run(count, bytes, nextRid, cid);
    this.dirty.clear();
  }

  private opened(...[cid, ns, uuid, ...counters]: CollectionRow): Collection {
    const records = new RecordTable(this.db, cid, ns);
    const collection = new Collection(cid, ns, asBuffer(uuid), records, ...counters);
    this.collections.set(ns, collection);
    return collection;
  }

  private openedIndex(
    collection: Collection,
    iid: number,
    spec: IndexSpec,
    state: IndexState,
    multikey: string[],
  ): Index {
    const table = new IndexTable(this.db, iid, spec.unique, collection.records);
    const index = new Index(spec, table, state, new Set(multikey));
    collection.indexes.push(index);
    return index;
  }

  private deleteIndex(index: Index): void {
    index.table.drop();
    this.db.statement('DELETE FROM idx WHERE iid=?').run(index.table.iid);
  }

  private checkDatabaseCase(db: string): void {
    const other = this.list().find((one) => one.db !== db && one.db.toLowerCase() === db.toLowerCase());
    if (other === undefined) return;
    const message = `db already exists with different case already have: [${other.db}] trying to create [${db}]`;
    throw new CommandError(13297, message);
  }
}

type CollectionRow = [
  cid: number,
  ns: string,
  uuid: Uint8Array,
  count: number,
  bytes: number,
  nextRid: number,
];
type IndexRow = [iid: number, spec: Uint8Array, multikey: string];
