import type { mongo } from 'mongoose';
import { DURABLE } from './connection.js';
import { isDuplicateKey } from './duplicate-key.js';

/** Inserts a row durably; when its id is there already, gives the stored row. @throws other duplicate keys */
export async function insertOrExisting<Row extends { _id: string }>(
  collection: mongo.Collection,
  row: Row,
): Promise<Row> {
  try {
    await collection.insertOne(row as never, { writeConcern: DURABLE });
    return row;
  } catch (error) {
    const existing = isDuplicateKey(error) ? await collection.findOne({ _id: row._id as never }) : null;
    if (existing === null) throw error;
    return existing as unknown as Row;
  }
}
