// A client in a process of its own that reads single documents; embedded.bench.ts tells it which.
import mongoose from 'mongoose';
import { inFlight, scattered } from './cases.js';
import type { ReadOrder } from './readers.js';

const [uri = '', width = '32'] = process.argv.slice(2);
const client = await new mongoose.mongo.MongoClient(uri, { maxPoolSize: Number(width) }).connect();
const docs = client.db('bench').collection<{ _id: number; key: number }>('docs');

process.on('message', ({ field, from, total, count }: ReadOrder) => {
  void inFlight(total, Number(width), async (n) => {
    const value = scattered(from + n, count);
    const found =
      field === '_id'
        ? await docs.findOne({ _id: value })
        : (await docs.find({ key: value }).toArray()).find(({ key }) => key === value);
    if (!found) throw new Error(`no document with ${field} ${value}`);
  }).then(() => process.send?.('done'));
});
process.on('disconnect', () => void client.close());
process.send?.('ready');
