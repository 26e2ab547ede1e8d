import type { Collection, Document } from 'mongodb';
import { returnDocument } from './arguments.js';
import type { Arguments } from './arguments.js';
import { bulkRequests, bulkResult, updateResult } from './bulk-write.js';
import { openChangeStream, openCursor } from './cursor-operations.js';

type CollectionOperation = (collection: Collection, args: Arguments) => Promise<unknown>;

export const collectionOperations: Record<string, CollectionOperation> = {
  find: (collection, args) => collection.find(args.required('filter'), args.options()).toArray(),
  findOne: (collection, args) => collection.findOne(args.required('filter'), args.options()),
  aggregate: (collection, args) =>
    collection.aggregate(args.required<Document[]>('pipeline'), args.options()).toArray(),
  distinct: (collection, args) =>
    collection.distinct(args.required<string>('fieldName'), args.required('filter'), args.options()),
  count: (collection, args) => collection.count(args.required('filter'), args.options()),
  countDocuments: (collection, args) => collection.countDocuments(args.required('filter'), args.options()),
  estimatedDocumentCount: (collection, args) => collection.estimatedDocumentCount(args.options()),

  insertOne: (collection, args) => collection.insertOne(args.required('document'), args.options()),
  insertMany: (collection, args) =>
    collection.insertMany(args.required<Document[]>('documents'), args.options()),
  updateOne: async (collection, args) =>
    updateResult(
      await collection.updateOne(args.required('filter'), args.required('update'), args.options()),
    ),
  updateMany: async (collection, args) =>
    updateResult(
      await collection.updateMany(args.required('filter'), args.required('update'), args.options()),
    ),
  replaceOne: async (collection, args) =>
    updateResult(
      await collection.replaceOne(args.required('filter'), args.required('replacement'), args.options()),
    ),
  deleteOne: (collection, args) => collection.deleteOne(args.required('filter'), args.options()),
  deleteMany: (collection, args) => collection.deleteMany(args.required('filter'), args.options()),
  findOneAndDelete: (collection, args) =>
    collection.findOneAndDelete(args.required('filter'), args.options()),
  findOneAndReplace: (collection, args) =>
    collection.findOneAndReplace(args.required('filter'), args.required('replacement'), {
      ...returnDocument(args),
      ...args.options(),
    }),
  findOneAndUpdate: (collection, args) =>
    collection.findOneAndUpdate(args.required('filter'), args.required('update'), {
      ...returnDocument(args),
      ...args.options(),
    }),
  bulkWrite: async (collection, args) =>
    bulkResult(
      await collection.bulkWrite(bulkRequests(args.required<Document[]>('requests')), args.options()),
    ),

  createIndex: (collection, args) => {
    const { keys, ...options } = { keys: args.required('keys'), ...args.options() };
    return collection.createIndex(keys, options);
  },
  dropIndex: (collection, args) => collection.dropIndex(args.required<string>('name'), args.options()),
  listIndexes: (collection, args) => collection.listIndexes(args.options()).toArray(),
  listIndexNames: async (collection, args) =>
    (await collection.listIndexes(args.options()).toArray()).map(({ name }) => name as string),
  rename: (collection, args) => collection.rename(args.required<string>('to'), args.options()),

  createFindCursor: (collection, args) =>
    openCursor(collection.find(args.required('filter'), args.options())),
  createChangeStream: (collection, args) => openChangeStream(collection, args),
};
