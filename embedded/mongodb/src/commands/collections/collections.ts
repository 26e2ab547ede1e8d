import { doc } from '../../bson/plain.js';
import { BDoc } from '../../bson/values.js';
import { checkCollectionName, splitNamespace } from '../../catalog/collection.js';
import type { Collection } from '../../catalog/collection.js';
import { seconds, truth } from '../../catalog/index-spec.js';
import { CommandError, unsupported } from '../../errors.js';
import { command, existing, namespaceOf } from '../command.js';
import type { CommandContext, CommandTable } from '../command.js';
import { fields, required, words } from '../schema.js';
import { indexOf } from './indexes.js';

export const collections: CommandTable = {
  create: command({
    writes: true,
    fields: fields({
      bool: ['capped'],
      doc: ['idIndex'],
      collation: ['collation'],
      refused: words(`size max validator validationLevel validationAction viewOn pipeline timeseries
        expireAfterSeconds clusteredIndex changeStreamPreAndPostImages encryptedFields`),
      ignored: ['autoIndexId', 'storageEngine', 'indexOptionDefaults', 'flags'],
    }),
    run({ capped, idIndex }, context) {
      if (capped) throw unsupported('a capped collection');
      const ns = namespaceOf(context);
      const { engine } = context;
      return engine.queue.run(function* () {
        yield;
        // The options that remain change nothing, so a collection that is there already has the same ones.
        if (!engine.catalog.get(ns)) engine.createCollection(ns);
        else if (idIndex === undefined)
          throw new CommandError('NamespaceExists', `namespace ${ns} already exists`);
        return BDoc.of();
      });
    },
  }),

  drop: command({
    writes: true,
    fields: fields({}),
    run(_args, context) {
      const ns = namespaceOf(context);
      const { engine } = context;
      return engine.queue.run(function* () {
        yield;
        const collection = engine.catalog.get(ns);
        // Dropping what is not there succeeds since MongoDB 7.0.
        if (!collection) return BDoc.of();
        const nIndexesWas = collection.indexes.length;
        engine.dropCollection(collection);
        return doc({ nIndexesWas, ns });
      });
    },
  }),

  dropDatabase: command({
    writes: true,
    fields: fields({}),
    run(_args, { engine, db }) {
      return engine.queue.run(function* () {
        yield;
        const all = engine.catalog.list(db);
        for (const collection of all) engine.dropCollection(collection);
        if (all.length === 0) return BDoc.of();
        engine.logCommand(db, doc({ dropDatabase: 1 }));
        return doc({ dropped: db });
      });
    },
  }),

  renameCollection: command({
    adminOnly: true,
    writes: true,
    fields: fields({ string: ['to'], bool: ['dropTarget'], ignored: ['stayTemp'] }),
    run({ dropTarget, ...args }, { engine, target }) {
      const from = typeof target === 'string' ? target : '';
      const to = required(args.to, 'renameCollection.to');
      checkCollectionName(...splitNamespace(to));
      return engine.queue.run(function* () {
        yield;
        const collection = engine.catalog.get(from);
        if (!collection)
          throw new CommandError('NamespaceNotFound', `Source collection ${from} does not exist`);
        if (from === to) throw new CommandError('IllegalOperation', "Can't rename a collection to itself");
        const replaced = engine.catalog.get(to);
        if (replaced && !dropTarget) throw new CommandError('NamespaceExists', 'target namespace exists');
        if (replaced) engine.catalog.drop(replaced);
        engine.catalog.rename(collection, to);
        const entry = { renameCollection: from, to, stayTemp: false, dropTarget: replaced !== undefined };
        engine.logCommand(splitNamespace(from)[0], doc(entry), collection);
        return BDoc.of();
      });
    },
  }),

  /** What can still be changed of a collection are the TTL and the visibility of its indexes. */
  collMod: command({
    writes: true,
    fields: fields({
      doc: ['index'],
      refused: words(`validator validationLevel validationAction viewOn pipeline cappedSize cappedMax
        changeStreamPreAndPostImages expireAfterSeconds`),
    }),
    run({ index }, context) {
      const { engine } = context;
      return engine.queue.run(function* () {
        yield;
        const collection = existing(context);
        if (!index) return BDoc.of();
        const reply = alterIndex(context, collection, index);
        engine.logCommand(collection.db, doc({ collMod: collection.name, index }), collection);
        return reply;
      });
    },
  }),
};

function alterIndex({ engine }: CommandContext, collection: Collection, change: BDoc): BDoc {
  const index = indexOf(collection, change.get('name') ?? change.get('keyPattern') ?? null);
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
