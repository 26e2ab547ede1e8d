import { describe } from '../bson/describe.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { keyString } from '../bson/keystring.js';
import type { Collection } from '../catalog/collection.js';
import { checkCollectionName, splitNamespace } from '../catalog/collection.js';
import { seconds, truth } from '../catalog/index-spec.js';
import { CommandError, unsupported } from '../errors.js';
import { defineCommand, namespaceOf } from './context.js';
import type { CommandContext } from './context.js';
import { required } from './schema.js';

export const create = defineCommand({
  name: 'create',
  help: 'creates a collection',
  writes: true,
  schema: {
    capped: 'bool',
    size: 'any',
    max: 'any',
    autoIndexId: 'ignored',
    idIndex: 'doc',
    storageEngine: 'ignored',
    indexOptionDefaults: 'ignored',
    collation: 'doc',
    validator: 'doc',
    validationLevel: 'any',
    validationAction: 'any',
    viewOn: 'refused',
    pipeline: 'any',
    timeseries: 'refused',
    expireAfterSeconds: 'refused',
    clusteredIndex: 'refused',
    changeStreamPreAndPostImages: 'doc',
    encryptedFields: 'refused',
    flags: 'ignored',
  } as const,
  run(args, context) {
    if (args.capped) throw unsupported('a capped collection');
    if (args.collation && args.collation.get('locale') !== 'simple') throw unsupported('a collation');
    if (args.validator && args.validator.size > 0) throw unsupported('a validator');
    if (args.changeStreamPreAndPostImages?.get('enabled') === true)
      throw unsupported('changeStreamPreAndPostImages');
    if (args.pipeline !== undefined && !(Array.isArray(args.pipeline) && args.pipeline.length === 0))
      throw unsupported('a view');
    const ns = namespaceOf(context);
    const { engine } = context;
    return engine.queue.run(function* () {
      yield;
      // The options that remain change nothing, so a collection that is there already has the same ones.
      if (!engine.catalog.get(ns)) engine.createCollection(ns);
      else if (args.idIndex === undefined)
        throw new CommandError('NamespaceExists', `namespace ${ns} already exists`);
      return BDoc.of();
    });
  },
});

export const drop = defineCommand({
  name: 'drop',
  help: 'drops a collection',
  writes: true,
  schema: {},
  run(_args, context) {
    const ns = namespaceOf(context);
    const { engine } = context;
    return engine.queue.run(function* () {
      const collection = engine.catalog.get(ns);
      yield;
      // Dropping what is not there succeeds since MongoDB 7.0.
      if (!collection) return BDoc.of();
      const indexes = collection.indexes.length;
      engine.dropCollection(collection);
      return BDoc.of(['nIndexesWas', indexes], ['ns', ns]);
    });
  },
});

export const dropDatabase = defineCommand({
  name: 'dropDatabase',
  help: 'drops a database',
  writes: true,
  schema: {},
  run(_args, { engine, db }) {
    return engine.queue.run(function* () {
      const collections = engine.catalog.list(db);
      yield;
      for (const collection of collections) engine.dropCollection(collection);
      if (collections.length === 0) return BDoc.of();
      engine.logCommand(db, BDoc.of(['dropDatabase', 1]));
      return BDoc.of(['dropped', db]);
    });
  },
});

export const renameCollection = defineCommand({
  name: 'renameCollection',
  adminOnly: true,
  help: 'renames a collection',
  writes: true,
  schema: { to: 'string', dropTarget: 'bool', stayTemp: 'ignored' } as const,
  run(args, { engine, target }) {
    const from = typeof target === 'string' ? target : '';
    const to = required(args.to, 'renameCollection.to');
    checkCollectionName(...splitNamespace(to));
    return engine.queue.run(function* () {
      const collection = engine.catalog.get(from);
      yield;
      if (!collection)
        throw new CommandError('NamespaceNotFound', `Source collection ${from} does not exist`);
      if (from === to) throw new CommandError('IllegalOperation', "Can't rename a collection to itself");
      const existing = engine.catalog.get(to);
      if (existing && !args.dropTarget) throw new CommandError('NamespaceExists', 'target namespace exists');
      if (existing) engine.catalog.drop(existing);
      engine.catalog.rename(collection, to);
      const entry = BDoc.of(
        ['renameCollection', from],
        ['to', to],
        ['stayTemp', false],
        ['dropTarget', existing !== undefined],
      );
      engine.logCommand(splitNamespace(from)[0], entry, collection);
      return BDoc.of();
    });
  },
});

/** Options of a collection that can still be changed: those of its indexes. */
export const collMod = defineCommand({
  name: 'collMod',
  help: 'changes the TTL or the visibility of an index',
  writes: true,
  schema: {
    index: 'doc',
    validator: 'refused',
    validationLevel: 'refused',
    validationAction: 'refused',
    viewOn: 'refused',
    pipeline: 'refused',
    cappedSize: 'refused',
    cappedMax: 'refused',
    changeStreamPreAndPostImages: 'refused',
    expireAfterSeconds: 'refused',
  } as const,
  run(args, context) {
    const { engine } = context;
    return engine.queue.run(function* () {
      const collection = existing(context);
      yield;
      if (!args.index) return BDoc.of();
      const reply = alterIndex(context, collection, args.index);
      engine.logCommand(
        collection.db,
        BDoc.of(['collMod', collection.name], ['index', args.index]),
        collection,
      );
      return reply;
    });
  },
});

function alterIndex({ engine }: CommandContext, collection: Collection, change: BDoc): BDoc {
  const index = findByNameOrPattern(collection, change.get('name') ?? change.get('keyPattern') ?? null);
  const { hidden, expireAfterSeconds } = index.spec;
  const spec = { ...index.spec };
  const reply = BDoc.of();
  for (const [option, value] of change.entries()) {
    if (option === 'expireAfterSeconds') {
      if (index.paths.length > 1)
        throw new CommandError('InvalidOptions', 'TTL indexes are single-field indexes');
      spec.expireAfterSeconds = seconds(value);
      if (expireAfterSeconds !== null) reply.set('expireAfterSeconds_old', BigInt(expireAfterSeconds));
      reply.set('expireAfterSeconds_new', BigInt(spec.expireAfterSeconds));
    } else if (option === 'hidden') {
      if (index === collection.idIndex) throw new CommandError('BadValue', 'cannot hide the _id index');
      spec.hidden = truth(option, value);
      reply.set('hidden_old', hidden).set('hidden_new', spec.hidden);
    } else if (option !== 'name' && option !== 'keyPattern') {
      throw unsupported(`collMod index.${option}`);
    }
  }
  engine.catalog.alterIndex(collection, index, { spec });
  return reply;
}

/** The collection of a command, or error 26. */
export function existing(context: CommandContext): Collection {
  const ns = namespaceOf(context);
  const collection = context.engine.catalog.get(ns);
  if (!collection) throw new CommandError('NamespaceNotFound', `ns does not exist: ${ns}`);
  return collection;
}

/** An index by name or key pattern, or error 27. */
export function findByNameOrPattern(collection: Collection, wanted: BValue): Collection['indexes'][number] {
  const pattern = wanted instanceof BDoc ? keyString([wanted]) : null;
  const index = pattern
    ? collection.indexes.find(({ spec }) => keyString([spec.key]).equals(pattern))
    : collection.indexes.find(({ spec }) => spec.name === wanted);
  if (index) return index;
  throw new CommandError(
    'IndexNotFound',
    pattern
      ? `can't find index with key: ${describe(wanted)}`
      : `index not found with name [${describe(wanted)}]`,
  );
}
