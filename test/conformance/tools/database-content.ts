import { createHash } from 'node:crypto';
import type mongoose from 'mongoose';

type Client = mongoose.mongo.MongoClient;

/** What one collection holds, in a form that is equal for equal content. */
export interface Content {
  count: number;
  /** SHA-256 over the raw documents in `_id` order. */
  sha256: string;
  /** Definitions of its indexes by name. */
  indexes: Record<string, unknown>;
}

/** Content of all collections of these databases, by namespace. */
export async function contentOf(client: Client, databases: string[]): Promise<Record<string, Content>> {
  const content: Record<string, Content> = {};
  for (const name of databases) {
    const db = client.db(name);
    for (const { name: collection } of await db.listCollections({}, { nameOnly: true }).toArray())
      content[`${name}.${collection}`] = await contentOfCollection(db.collection(collection));
  }
  return content;
}

async function contentOfCollection(collection: mongoose.mongo.Collection): Promise<Content> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const document of collection.find({}, { raw: true, sort: { _id: 1 } })) {
    hash.update(document as unknown as Uint8Array);
    count += 1;
  }
  const indexes = Object.fromEntries((await collection.indexes()).map((index) => [index['name'], index]));
  return { count, sha256: hash.digest('hex'), indexes };
}
