import { BDoc } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import type { Index } from '../catalog/index.js';
import { identity, isIdKey, parseIndexSpec, sameOptions, specDocument } from '../catalog/index-spec.js';
import type { IndexSpec } from '../catalog/index-spec.js';
import { CommandError } from '../errors.js';
import { OPLOG_NAMESPACE } from '../oplog/oplog.js';
import type { Engine } from '../storage/engine.js';
import type { WriteSteps } from '../storage/write-queue.js';
import { existing, findByNameOrPattern } from './collections.js';
import { firstBatch, listed } from './command-cursor.js';
import { defineCommand, namespaceOf } from './context.js';
import { integer, required } from './schema.js';

const BUILD_CHUNK_ROWS = 256;
const MAX_INDEXES = 64;

export const createIndexes = defineCommand({
  name: 'createIndexes',
  help: 'builds indexes',
  writes: true,
  schema: { indexes: 'docs', commitQuorum: 'ignored', ignoreUnknownIndexOptions: 'ignored' } as const,
  run(args, context) {
    const ns = namespaceOf(context);
    const documents = required(args.indexes, 'createIndexes.indexes');
    if (documents.length === 0)
      throw new CommandError('BadValue', 'Must specify at least one index to create');
    const specs = documents.map(parseIndexSpec);
    const { engine } = context;
    return engine.queue.run(function* () {
      const implicit = !engine.catalog.get(ns);
      const collection = engine.collectionForWrite(ns);
      const before = collection.indexes.length;
      for (const spec of specs) yield* createIndex(engine, collection, spec);
      const reply = BDoc.of(
        ['numIndexesBefore', before],
        ['numIndexesAfter', collection.indexes.length],
        ['createdCollectionAutomatically', implicit],
      );
      if (collection.indexes.length === before) reply.set('note', 'all indexes already exist');
      return reply;
    });
  },
});

function* createIndex(engine: Engine, collection: Collection, spec: IndexSpec): WriteSteps<void> {
  if (isIdKey(spec.key)) return;
  // One that somebody else is building now is waited for: only a finished one keeps its promises.
  for (let there = alike(collection, spec); there; there = alike(collection, spec)) {
    if (there.state === 'ready') return;
    yield;
  }
  if (collection.indexes.length >= MAX_INDEXES) {
    throw new CommandError(
      'CannotCreateIndex',
      `add index fails, too many indexes for ${collection.ns}, at most ${MAX_INDEXES}`,
    );
  }
  const index = engine.catalog.addIndex(collection, spec, 'building');
  try {
    yield* fill(engine, collection, index);
  } catch (error) {
    if (error instanceof CommandError && collection.indexes.includes(index) && !collection.dropped)
      engine.catalog.dropIndex(collection, index);
    throw error;
  }
  engine.catalog.alterIndex(collection, index, { state: 'ready' });
  const entry = BDoc.of(['createIndexes', collection.name], ...specDocument(spec).entries());
  engine.logCommand(collection.db, entry, collection);
}

/** Writers keep the index up to date meanwhile, so each step can be committed on its own. */
function* fill(engine: Engine, collection: Collection, index: Index): WriteSteps<void> {
  let after = 0;
  for (;;) {
    const rows = collection.records.scan(after, BUILD_CHUNK_ROWS);
    for (const { rid, bytes } of rows) {
      engine.writes.build(collection, index, rid, BDoc.fromBytes(bytes));
      after = rid;
    }
    if (rows.length < BUILD_CHUNK_ROWS) return;
    yield;
    if (collection.dropped || index.table.dropped)
      throw new CommandError(
        276,
        `the index build on ${collection.ns} ended: the collection or the index was dropped`,
      );
  }
}

/** The index that a definition asks for if it exists already; an error if it exists otherwise. */
function alike(collection: Collection, spec: IndexSpec): Index | null {
  const named = collection.index(spec.name);
  const same = collection.indexes.find((index) => identity(index.spec) === identity(spec));
  if (named && same === named && sameOptions(named.spec, spec)) return named;
  if (named && same !== named) {
    throw new CommandError(
      'IndexKeySpecsConflict',
      `An existing index has the same name as the requested index. When index names are not specified, they are auto ` +
        `generated and can cause conflicts. Please refer to our documentation. Requested index name: ${spec.name}`,
    );
  }
  if (!same) return null;
  const what = named
    ? 'an equivalent index already exists with the same name but different options'
    : 'Index already exists with a different name';
  throw new CommandError('IndexOptionsConflict', `${what}: ${same.spec.name}`);
}

export const listIndexes = defineCommand({
  name: 'listIndexes',
  help: 'returns the indexes of a collection',
  schema: { cursor: 'doc', includeBuildUUIDs: 'ignored', includeIndexBuildInfo: 'ignored' } as const,
  run(args, context) {
    if (namespaceOf(context) === OPLOG_NAMESPACE) return firstBatch(context, OPLOG_NAMESPACE, listed([]), {});
    const collection = existing(context);
    const batchSize = integer(args.cursor?.get('batchSize') ?? null);
    const documents = collection.readyIndexes.map(({ spec }) => specDocument(spec));
    return firstBatch(context, collection.ns, listed(documents), { batchSize });
  },
});

export const dropIndexes = defineCommand({
  name: 'dropIndexes',
  aliases: ['deleteIndexes'],
  help: 'drops indexes by name, by key pattern or all',
  writes: true,
  schema: { index: 'any' } as const,
  run(args, context) {
    const { engine } = context;
    const wanted = required(args.index, 'dropIndexes.index');
    return engine.queue.run(function* () {
      const collection = existing(context);
      yield;
      const before = collection.indexes.length;
      const doomed =
        wanted === '*'
          ? collection.indexes.slice(1)
          : [wanted].flat().map((one) => findByNameOrPattern(collection, one));
      if (doomed.includes(collection.idIndex))
        throw new CommandError('InvalidOptions', 'cannot drop _id index');
      for (const index of doomed) {
        engine.catalog.dropIndex(collection, index);
        engine.logCommand(
          collection.db,
          BDoc.of(['dropIndexes', collection.name], ['index', index.spec.name]),
          collection,
        );
      }
      const reply = BDoc.of(['nIndexesWas', before]);
      if (wanted === '*') reply.set('msg', 'non-_id indexes dropped for collection');
      return reply;
    });
  },
});
