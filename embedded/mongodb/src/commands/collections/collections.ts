import { doc } from '../../bson/plain.js';
import { BDoc } from '../../bson/values.js';
import { checkCollectionName, splitNamespace } from '../../catalog/collection.js';
import { seconds } from '../../catalog/index-spec.js';
import { CommandError, unsupported } from '../../errors.js';
import { command, existing, namespaceOf, reply, type CommandTable } from '../command.js';
import { fields, parseFields, required } from '../schema.js';
import { indexOf } from './indexes.js';

const DDL = { writes: true, exclusive: true };
const CHANGE = fields({ any: 'name keyPattern expireAfterSeconds', bool: 'hidden' });

export const collections: CommandTable = {
  create: command({
    ...DDL,
    fields: fields({
      bool: 'capped',
      doc: 'idIndex',
      collation: 'collation',
      ignored: 'autoIndexId indexOptionDefaults flags',
    }),
    run({ capped, idIndex }, context) {
      if (capped) throw unsupported('a capped collection');
      const ns = namespaceOf(context);
      // The options that remain change nothing, so a collection that is there already has the same ones.
      if (!context.engine.catalog.get(ns)) context.engine.createCollection(ns);
      else if (!idIndex) throw new CommandError('NamespaceExists', `namespace ${ns} already exists`);
      return BDoc.of();
    },
  }),

  drop: command({
    ...DDL,
    run(_args, context) {
      const ns = namespaceOf(context);
      const collection = context.engine.catalog.get(ns);
      // Dropping what is not there succeeds since MongoDB 7.0.
      if (!collection) return BDoc.of();
      const nIndexesWas = collection.indexes.length;
      context.engine.dropCollection(collection);
      return doc({ nIndexesWas, ns });
    },
  }),

  dropDatabase: command({
    ...DDL,
    run(_args, { engine, db }) {
      const all = engine.catalog.list(db);
      for (const collection of all) engine.dropCollection(collection);
      if (all.length === 0) return BDoc.of();
      engine.logCommand(db, doc({ dropDatabase: 1 }));
      return doc({ dropped: db });
    },
  }),

  renameCollection: command({
    ...DDL,
    adminOnly: true,
    fields: fields({ string: 'to', bool: 'dropTarget', ignored: 'stayTemp' }),
    run({ dropTarget, ...args }, { engine, target }) {
      const to = required(args.to, 'renameCollection.to');
      checkCollectionName(...splitNamespace(to));
      const from = typeof target === 'string' ? target : '';
      const collection = engine.catalog.get(from);
      if (!collection)
        throw new CommandError('NamespaceNotFound', `Source collection ${from} does not exist`);
      if (from === to) throw new CommandError('IllegalOperation', "Can't rename a collection to itself");
      if (engine.catalog.get(to) && !dropTarget)
        throw new CommandError('NamespaceExists', 'target namespace exists');
      engine.renameCollection(collection, to);
      return BDoc.of();
    },
  }),

  /** What can still be changed of a collection are the TTL and the visibility of its indexes. */
  collMod: command({
    ...DDL,
    fields: fields({ doc: 'index' }),
    run({ index: change }, context) {
      const collection = existing(context);
      if (!change) return BDoc.of();
      const { name, keyPattern, hidden, expireAfterSeconds } = parseFields('collMod.index', CHANGE, change);
      const index = indexOf(collection, name ?? keyPattern ?? null);
      if (hidden !== undefined && index === collection.idIndex)
        throw new CommandError('BadValue', 'cannot hide the _id index');
      if (expireAfterSeconds !== undefined && index.paths.length > 1)
        throw new CommandError('InvalidOptions', 'TTL indexes are single-field indexes');
      const { spec } = index;
      const ttl = expireAfterSeconds === undefined ? undefined : seconds(expireAfterSeconds);
      const altered = { hidden: hidden ?? spec.hidden, expireAfterSeconds: ttl ?? spec.expireAfterSeconds };
      context.engine.catalog.alterIndex(collection, index, { spec: { ...spec, ...altered } });
      context.engine.logCommand(collection.db, doc({ collMod: collection.name, index: change }), collection);
      return reply({
        expireAfterSeconds_old: ttl === undefined ? undefined : (spec.expireAfterSeconds ?? undefined),
        expireAfterSeconds_new: ttl,
        hidden_old: hidden === undefined ? undefined : spec.hidden,
        hidden_new: hidden,
      });
    },
  }),
};
