import type { MongoClient } from 'mongodb';
import { show } from './matcher.js';
import { isPlainObject } from './spec-file.js';
import type { CollectionData } from './spec-file.js';

/** Puts collections into the state that a test starts from. */
export async function writeInitialData(admin: MongoClient, data: CollectionData[]): Promise<void> {
  for (const { databaseName, collectionName, createOptions, documents } of data) {
    const db = admin.db(databaseName, { writeConcern: { w: 'majority' } });
    await db.collection(collectionName).drop();
    if (createOptions || documents.length === 0) await db.createCollection(collectionName, createOptions);
    if (documents.length > 0) await db.collection(collectionName).insertMany(documents);
  }
}

/** Throws where a collection does not hold exactly the expected documents, types included; field order may differ. */
export async function expectOutcome(admin: MongoClient, outcome: CollectionData[]): Promise<void> {
  for (const { databaseName, collectionName, documents } of outcome) {
    const collection = admin
      .db(databaseName)
      .collection(collectionName, { promoteValues: false, bsonRegExp: true });
    const found = await collection.find({}, { sort: { _id: 1 }, readConcern: 'local' }).toArray();
    const [wanted, got] = [documents, found].map((all) => show(all.map(sortedFields)));
    if (wanted !== got) throw new Error(`expected ${collectionName} to hold ${wanted}, got ${got}`);
  }
}

function sortedFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedFields);
  if (!isPlainObject(value)) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([key, item]) => [key, sortedFields(item)]));
}
