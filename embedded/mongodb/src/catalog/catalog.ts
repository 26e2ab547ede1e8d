import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { asBuffer, type Database } from '../storage/database.js';
import { IndexTable } from '../storage/index-table.js';
import { RecordTable } from '../storage/record-table.js';
import { Collection, checkCollectionName, splitNamespace } from './collection.js';
import { parseIndexSpec, specDocument, type IndexSpec } from './index-spec.js';
import { Index, type IndexState } from './index.js';
import { uuidV4 } from './uuid.js';

/**
 * Databases, collections and indexes. Every change happens inside a write batch and goes to the tables `coll` and
 * `idx` at once; after a rollback `load` reads memory back from them.
 */
export class Catalog {
  private collections = new Map<string, Collection>();
  private readonly dirty = new Set<Collection>();

  constructor(private readonly db: Database) {}

  load(): void {
    for (const collection of this.collections.values()) collection.dropped = true;
    this.collections = new Map();
    this.dirty.clear();
    const rows = this.db.statement('SELECT cid,ns,uuid,count,bytes,next_rid FROM coll ORDER BY cid');
    for (const row of rows.all()) {
      const [cid, ns, uuid, ...counters] = row as unknown as CollectionRow;
      const collection = new Collection(
        cid,
        ns,
        asBuffer(uuid),
        new RecordTable(this.db, cid, ns),
        ...counters,
      );
      this.loadIndexes(collection);
      this.collections.set(ns, collection);
    }
  }

  /** Drops indexes whose build a crash cut short: their creation was never acknowledged. */
  dropUnfinishedIndexes(): void {
    for (const collection of this.collections.values())
      for (const index of collection.indexes.filter(({ state }) => state === 'building'))
        this.dropIndex(collection, index);
  }

  get(ns: string): Collection | undefined {
    return this.collections.get(ns);
  }

  /** Collections of a database, or all, by name. */
  list(db?: string): Collection[] {
    const all = [...this.collections.values()].filter((one) => db === undefined || one.db === db);
    return all.sort((a, b) => (a.ns < b.ns ? -1 : 1));
  }

  databases(): string[] {
    return [...new Set(this.list().map(({ db }) => db))];
  }

  create(ns: string): Collection {
    const [db, name] = splitNamespace(ns);
    checkCollectionName(db, name);
    this.checkDatabaseCase(db);
    const uuid = uuidV4();
    const { lastInsertRowid } = this.db
      .statement('INSERT INTO coll(ns,uuid,created,count,bytes,next_rid) VALUES(?,?,?,0,0,1)')
      .run(ns, uuid, Date.now());
    const cid = Number(lastInsertRowid);
    const collection = new Collection(cid, ns, uuid, new RecordTable(this.db, cid, ns), 0, 0, 1);
    collection.records.create();
    this.collections.set(ns, collection);
    const byId = parseIndexSpec(BDoc.of(['key', BDoc.of(['_id', 1])], ['name', '_id_'], ['unique', true]));
    this.addIndex(collection, byId, 'ready');
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
      .run(collection.cid, spec.name, storedSpec(spec), state);
    const iid = Number(lastInsertRowid);
    const table = new IndexTable(this.db, iid, spec.unique, collection.records);
    table.create();
    const index = new Index(spec, table, state, new Set());
    collection.indexes.push(index);
    return index;
  }

  /** Replaces an index by one on the same table with another state or other options. */
  alterIndex(collection: Collection, index: Index, change: { spec?: IndexSpec; state?: IndexState }): Index {
    const { table, multikey } = index;
    const altered = new Index(change.spec ?? index.spec, table, change.state ?? index.state, multikey);
    this.db
      .statement('UPDATE idx SET spec=?,state=? WHERE iid=?')
      .run(storedSpec(altered.spec), altered.state, table.iid);
    collection.indexes[collection.indexes.indexOf(index)] = altered;
    return altered;
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

  /** Marks counters for the next {@link saveCounters}. */
  touch(collection: Collection): void {
    this.dirty.add(collection);
  }

  saveCounters(): void {
    const update = this.db.statement('UPDATE coll SET count=?,bytes=?,next_rid=? WHERE cid=?');
    for (const { count, bytes, nextRid, cid } of this.dirty) update.run(count, bytes, nextRid, cid);
    this.dirty.clear();
  }

  private loadIndexes(collection: Collection): void {
    const rows = this.db.statement('SELECT iid,spec,state,multikey FROM idx WHERE cid=? ORDER BY iid');
    for (const row of rows.all(collection.cid)) {
      const [iid, stored, state, multikey] = row as unknown as [number, Uint8Array, IndexState, string];
      const spec = parseIndexSpec(BDoc.fromBytes(asBuffer(stored)));
      const table = new IndexTable(this.db, iid, spec.unique, collection.records);
      collection.indexes.push(new Index(spec, table, state, new Set(multikey ? multikey.split('\0') : [])));
    }
  }

  private deleteIndex(index: Index): void {
    index.table.drop();
    this.db.statement('DELETE FROM idx WHERE iid=?').run(index.table.iid);
  }

  private checkDatabaseCase(db: string): void {
    const other = this.databases().find((name) => name !== db && name.toLowerCase() === db.toLowerCase());
    if (other === undefined) return;
    const message = `db already exists with different case already have: [${other}] trying to create [${db}]`;
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

/** `listIndexes` leaves `unique` out for `_id_`, the stored form must not. */
function storedSpec(spec: IndexSpec): Buffer {
  return specDocument(spec).set('unique', spec.unique).toBytes();
}
