import { ObjectId, Timestamp } from 'bson';
import { typeName } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Collection } from '../catalog/collection.js';
import type { Index } from '../catalog/index.js';
import { CommandError } from '../errors.js';
import type { Oplog } from '../oplog/oplog.js';
import type { CommitClock } from './commit-clock.js';
import { duplicateKey } from './duplicate-key.js';
import { toTimestamp } from './commit-clock.js';

/** Largest document that a user may store, in bytes. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

interface Parts {
  catalog: Catalog;
  oplog: Oplog;
  clock: CommitClock;
  addBytes: (bytes: number) => void;
}

/** Entries that a document has in one index. */
interface Entries {
  index: Index;
  keys: readonly Buffer[];
  multikeyPaths: readonly string[];
}

/**
 * The only code that writes documents. Each method first checks all that can fail and only then touches rows, so a
 * refused document needs no savepoint. Every write brings its indexes, counters and oplog entry along.
 */
export class DocumentWrites {
  constructor(private readonly parts: Parts) {}

  /** Stores a document as it stands after `_id` was put first; returns what was stored. */
  insert(collection: Collection, input: BDoc): BDoc {
    const { clock, catalog, oplog } = this.parts;
    const doc = this.prepared(input);
    const bytes = checkedBytes(doc);
    const entries = this.entriesOf(collection, doc);
    for (const entry of entries) this.checkUnique(collection, entry, doc, -1);

    const rid = collection.nextRid++;
    const ts = clock.next();
    collection.records.insert(rid, ts, bytes);
    for (const entry of entries) this.addEntries(entry, rid);
    oplog.append({ ts, op: 'i', ns: collection.ns, uuid: collection.uuid, o: bytes, o2: null });
    this.account(collection, 1, bytes.length, bytes.length);
    catalog.touch(collection);
    return doc;
  }

  /** Replaces a stored document by its changed version. */
  update(collection: Collection, rid: number, before: BDoc, after: BDoc): void {
    const { clock, oplog } = this.parts;
    const bytes = checkedBytes(after);
    const changes = this.entryChanges(collection, before, after);
    for (const { added } of changes) this.checkUnique(collection, added, after, rid);

    const ts = clock.next();
    collection.records.replace(rid, ts, bytes);
    for (const { index, removed, added } of changes) {
      for (const key of removed) index.table.delete(key, rid);
      this.addEntries(added, rid);
    }
    oplog.append({ ts, op: 'u', ns: collection.ns, uuid: collection.uuid, o: bytes, o2: null });
    this.account(collection, 0, bytes.length - before.toBytes().length, bytes.length);
  }

  delete(collection: Collection, rid: number, doc: BDoc): void {
    const { clock, oplog } = this.parts;
    const size = doc.toBytes().length;
    const id = BDoc.of(['_id', doc.get('_id') ?? null]).toBytes();
    for (const { index, keys } of this.entriesOf(collection, doc)) {
      for (const key of keys) index.table.delete(key, rid);
    }
    collection.records.delete(rid);
    oplog.append({ ts: clock.next(), op: 'd', ns: collection.ns, uuid: collection.uuid, o: id, o2: null });
    this.account(collection, -1, -size, id.length);
  }

  /** Adds the entries of one document to an index that is being built. */
  build(collection: Collection, index: Index, rid: number, doc: BDoc): void {
    const entry = { index, ...index.keysOf(doc) };
    this.checkUnique(collection, entry, doc, rid);
    for (const key of entry.keys) index.table.insertIfAbsent(key, rid);
    this.noteMultikey(entry);
    this.parts.addBytes(entry.keys.length * 32);
  }

  private prepared(input: BDoc): BDoc {
    let doc = input;
    const id = doc.get('_id') ?? new ObjectId();
    if (!startsWithId(doc.toBytes())) {
      doc = BDoc.of(['_id', id], ...doc.entries().filter(([name]) => name !== '_id'));
    }
    checkId(id);
    return this.withTimestamps(doc);
  }

  /** A top-level `Timestamp(0, 0)` means "now" when a document is inserted. */
  private withTimestamps(doc: BDoc): BDoc {
    if (!doc.toBytes().includes(EMPTY_TIMESTAMP)) return doc;
    let stamped = doc;
    for (const [name, value] of doc.entries()) {
      if (name === '_id' || !(value instanceof Timestamp) || !value.isZero()) continue;
      if (stamped === doc) stamped = doc.clone();
      stamped.set(name, toTimestamp(this.parts.clock.next()));
    }
    return stamped;
  }

  private entriesOf(collection: Collection, doc: BDoc): Entries[] {
    return collection.indexes.map((index) => ({ index, ...index.keysOf(doc) }));
  }

  private entryChanges(collection: Collection, before: BDoc, after: BDoc): EntryChange[] {
    const changes: EntryChange[] = [];
    for (const index of collection.indexes.slice(1)) {
      const old = index.keysOf(before).keys;
      const { keys, multikeyPaths } = index.keysOf(after);
      const removed = old.filter((key) => !keys.some((other) => other.equals(key)));
      const added = keys.filter((key) => !old.some((other) => other.equals(key)));
      if (removed.length + added.length > 0)
        changes.push({ index, removed, added: { index, keys: added, multikeyPaths } });
    }
    return changes;
  }

  private checkUnique(collection: Collection, { index, keys }: Entries, doc: BDoc, rid: number): void {
    if (!index.unique) return;
    for (const key of keys) {
      const owner = index.table.owner(key);
      if (owner !== undefined && owner !== rid) throw duplicateKey(collection.ns, index, doc, key);
    }
  }

  private addEntries(entry: Entries, rid: number): void {
    for (const key of entry.keys) {
      if (entry.index.state === 'building') entry.index.table.insertIfAbsent(key, rid);
      else entry.index.table.insert(key, rid);
    }
    this.noteMultikey(entry);
  }

  private noteMultikey({ index, multikeyPaths }: Entries): void {
    const fresh = multikeyPaths.filter((path) => !index.multikey.has(path));
    if (fresh.length > 0) this.parts.catalog.addMultikeyPaths(index, fresh);
  }

  private account(collection: Collection, count: number, bytes: number, written: number): void {
    collection.count += count;
    collection.bytes += bytes;
    this.parts.catalog.touch(collection);
    this.parts.addBytes(written);
  }
}

interface EntryChange {
  index: Index;
  removed: Buffer[];
  added: Entries;
}

/** Looks at the name of the first field without decoding the document. */
function startsWithId(bytes: Buffer): boolean {
  return bytes.length > 9 && bytes.toString('latin1', 5, 9) === '_id\0';
}

/** Element bytes of an empty timestamp are eight zero bytes after the name; a cheap test before decoding. */
const EMPTY_TIMESTAMP = Buffer.alloc(9);

function checkedBytes(doc: BDoc): Buffer {
  const bytes = doc.toBytes();
  if (bytes.length <= MAX_DOCUMENT_BYTES) return bytes;
  throw new CommandError(
    'BSONObjectTooLarge',
    `object to insert too large. size in bytes: ${bytes.length}, max size: ${MAX_DOCUMENT_BYTES}`,
  );
}

/** An `_id` may be anything but an array, a regular expression or undefined. */
function checkId(id: BValue): void {
  const type = typeName(id);
  if (type === 'array' || type === 'regex' || type === 'undefined') {
    throw new CommandError('InvalidIdField', `The '_id' value cannot be of type ${type}`);
  }
  if (id instanceof BDoc && id.keys().some((name) => name.startsWith('$'))) {
    throw new CommandError(
      'DollarPrefixedFieldName',
      `_id fields may not contain '$'-prefixed fields: ${id.keys().join()}`,
    );
  }
}
