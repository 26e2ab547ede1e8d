import { ObjectId, Timestamp } from 'bson';
import { shellText } from '../bson/expect.js';
import { keyString } from '../bson/keystring.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import type { Index } from '../catalog/index.js';
import { CommandError, badValue } from '../errors.js';
import { keyTuples, type IndexKeys } from '../query/index-keys.js';
import { toTimestamp } from './commit-clock.js';
import type { Engine } from './engine.js';

/** Largest document that a user may store, in bytes. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
/** What an index entry adds to a batch beside its document, roughly. */
const ENTRY_BYTES = 32;

/** What one document adds to one index, and takes away. */
interface Change extends IndexKeys {
  index: Index;
  removed?: Buffer[];
}

/**
 * The only code that writes documents. Each method first checks all that can fail and only then touches rows, so a
 * refused document needs no savepoint. Every write brings its indexes, counters and oplog entry along.
 */
export class DocumentWrites {
  constructor(private readonly engine: Engine) {}

  /** Stores a document as it stands after `_id` was put first; returns what was stored. */
  insert(collection: Collection, input: BDoc): BDoc {
    const doc = withIdFirst(input);
    const bytes = doc.toBytes();
    if (bytes.length > MAX_DOCUMENT_BYTES) {
      const text = `size in bytes: ${bytes.length}, max size: ${MAX_DOCUMENT_BYTES}`;
      throw new CommandError('BSONObjectTooLarge', `object to insert too large. ${text}`);
    }
    const changes = collection.indexes.map((index) => ({ index, ...index.keysOf(doc) }));
    checkUnique(collection, changes, doc, -1);

    const rid = collection.nextRid++;
    collection.records.insert(rid, this.engine.log('i', collection, bytes), bytes);
    this.apply(changes, rid);
    this.account(collection, 1, bytes.length, bytes.length);
    return doc;
  }

  /** Replaces a stored document by its changed version. */
  update(collection: Collection, rid: number, before: BDoc, after: BDoc): void {
    const bytes = after.toBytes();
    if (bytes.length > MAX_DOCUMENT_BYTES)
      throw new CommandError(17419, `Resulting document after update is larger than ${MAX_DOCUMENT_BYTES}`);
    // The first index is on _id, which never changes.
    const changes = collection.indexes.slice(1).map((index): Change => {
      const old = index.keysOf(before).keys;
      const { keys, multikeyPaths } = index.keysOf(after);
      return { index, keys: without(keys, old), removed: without(old, keys), multikeyPaths };
    });
    checkUnique(collection, changes, after, rid);

    collection.records.replace(rid, this.engine.log('u', collection, bytes), bytes);
    this.apply(changes, rid);
    this.account(collection, 0, bytes.length - before.toBytes().length, bytes.length);
  }

  delete(collection: Collection, rid: number, doc: BDoc): void {
    const id = BDoc.of(['_id', doc.get('_id') ?? null]).toBytes();
    const changes = collection.indexes.map((index): Change => {
      return { index, keys: [], removed: index.keysOf(doc).keys, multikeyPaths: [] };
    });
    this.apply(changes, rid);
    collection.records.delete(rid);
    this.engine.log('d', collection, id);
    this.account(collection, -1, -doc.toBytes().length, id.length);
  }

  /** Adds the entries of one document to an index that is being built. */
  build(collection: Collection, index: Index, rid: number, doc: BDoc): void {
    const changes = [{ index, ...index.keysOf(doc) }];
    checkUnique(collection, changes, doc, rid);
    this.apply(changes, rid);
    this.engine.queue.addBytes(changes[0]!.keys.length * ENTRY_BYTES);
  }

  private apply(changes: Change[], rid: number): void {
    for (const { index, keys, removed, multikeyPaths } of changes) {
      const { table, multikey, state } = index;
      for (const key of removed ?? []) table.delete(key, rid);
      for (const key of keys) {
        if (state === 'building') table.insertIfAbsent(key, rid);
        else table.insert(key, rid);
      }
      const fresh = multikeyPaths.filter((path) => !multikey.has(path));
      if (fresh.length > 0) this.engine.catalog.addMultikeyPaths(index, fresh);
    }
  }

  private account(collection: Collection, count: number, bytes: number, written: number): void {
    collection.count += count;
    collection.bytes += bytes;
    this.engine.catalog.touch(collection);
    this.engine.queue.addBytes(written);
  }

  /** A top-level `Timestamp(0, 0)` of a document that a client inserts or replaces another by means "now". */
  stamped(doc: BDoc): BDoc {
    const isNow = ([name, value]: [string, BValue]): boolean =>
      name !== '_id' && value instanceof Timestamp && value.isZero();
    if (!doc.toBytes().includes(ZEROS) || !doc.entries().some(isNow)) return doc;
    const now = (): Timestamp => toTimestamp(this.engine.clock.next());
    return BDoc.fromEntries(
      doc.entries().map((field) => (isNow(field) ? ([field[0], now()] as const) : field)),
    );
  }
}

function withIdFirst(doc: BDoc): BDoc {
  const given = doc.get('_id');
  const id = given === undefined ? new ObjectId() : given;
  checkId(id);
  const bytes = doc.toBytes();
  const isFirst = bytes.indexOf(ID_NAME) === 5;
  // Most have no other: nothing needs decoding.
  if (isFirst && !bytes.includes(ID_NAME, 9)) return doc;
  const others = doc.entries().filter(([name]) => name !== '_id');
  if (doc.size > others.length + 1) throw badValue("can't have multiple _id fields in one document");
  return isFirst ? doc : BDoc.fromEntries([['_id', id], ...others]);
}

const ID_NAME = Buffer.from('_id\0');

/** The end of a name and an empty timestamp; a cheap test before decoding. */
const ZEROS = Buffer.alloc(9);

function without(keys: Buffer[], others: Buffer[]): Buffer[] {
  const known = new Set(others.map((key) => key.toString('latin1')));
  return keys.filter((key) => !known.has(key.toString('latin1')));
}

function checkUnique(collection: Collection, changes: Change[], doc: BDoc, rid: number): void {
  for (const { index, keys } of changes) {
    if (!index.spec.unique) continue;
    for (const key of keys) {
      const owner = index.table.owner(key);
      if (owner !== undefined && owner !== rid) throw duplicateKey(collection.ns, index, doc, key);
    }
  }
}

/** An `_id` may be anything but an array, a regular expression or undefined. */
function checkId(id: BValue): void {
  const type = typeName(id);
  if (type === 'array' || type === 'regex' || type === 'undefined')
    throw new CommandError('InvalidIdField', `The '_id' value cannot be of type ${type}`);
  const dollar = dollarName(id);
  if (dollar !== undefined)
    throw new CommandError('DollarPrefixedFieldName', `_id may not contain '$'-prefixed fields: ${dollar}`);
}

/** A name with a dollar anywhere in a value, other than those that a DBRef begins with. */
function dollarName(value: BValue): string | undefined {
  if (Array.isArray(value)) return value.map(dollarName).find((name) => name !== undefined);
  if (!(value instanceof BDoc)) return undefined;
  const names = value.keys();
  const ofDbRef = ['$ref', '$id', '$db'].findIndex((name, at) => names[at] !== name);
  const own = names.slice(ofDbRef < 0 ? 3 : ofDbRef === 2 ? 2 : 0);
  return own.find((name) => name.startsWith('$')) ?? dollarName(value.entries().map(([, field]) => field));
}

/** Error 11000 with the text that drivers and applications parse. In an array field it names the element that collided. */
export function duplicateKey(ns: string, index: Index, doc: BDoc, key: Buffer): CommandError {
  const { spec, paths, directions } = index;
  const split = paths.map((path) => path.split('.'));
  const tuple = keyTuples(doc, split).tuples.find((one) => keyString(one, directions).equals(key)) ?? [];
  const keyValue = BDoc.from([...paths], tuple);
  return new CommandError(
    'DuplicateKey',
    `E11000 duplicate key error collection: ${ns} index: ${spec.name} dup key: ${shellText(keyValue)}`,
    { keyPattern: spec.key, keyValue },
  );
}
