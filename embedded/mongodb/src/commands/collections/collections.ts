import { describe } from '../../bson/expect.js';
import { keyString } from '../../bson/keystring.js';
import { doc } from '../../bson/plain.js';
import { BDoc, type BValue } from '../../bson/values.js';
import { checkCollectionName, splitNamespace, type Collection } from '../../catalog/collection.js';
import {
  identity,
  isIdKey,
  parseIndexSpec,
  directions,
  isTtl,
  specDocument,
  type Index,
  type IndexSpec,
} from '../../catalog/index.js';
import { checkDeadline } from '../../cursor/cursor.js';
import { badValue, CommandError, unsupported } from '../../errors.js';
import type { Engine } from '../../storage/engine.js';
import type { WriteSteps } from '../../storage/write-queue.js';
import { command, existing, namespaceOf, type CommandTable } from '../command.js';
import { fields, parseFields, required } from '../schema.js';

const DDL = { writes: true, exclusive: true };
const CHANGE = fields({
  string: 'name',
  doc: 'keyPattern',
  int: 'expireAfterSeconds',
  bool: 'hidden unique',
});

export const collections: CommandTable = {
  create: command({
    ...DDL,
    fields: fields({
      bool: 'capped',
      collation: 'collation',
      ignored: 'idIndex autoIndexId indexOptionDefaults flags',
    }),
    run({ capped }, context) {
      if (capped) throw unsupported('a capped collection');
      const ns = namespaceOf(context);
      const there = context.engine.catalog.get(ns);
      if (!there) context.engine.createCollection(ns);
      // The options that remain change nothing: all collections have the same, except for the oplog.
      else if (!there.idIndex) throw new CommandError('NamespaceExists', `${ns} exists with other options`);
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
      if (db === 'admin' || db === 'local')
        throw new CommandError('IllegalOperation', `Dropping the '${db}' database is prohibited.`);
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
      const changes = parseFields('collMod.index', CHANGE, change);
      const { name, keyPattern, hidden, unique, expireAfterSeconds: ttl } = changes;
      const wanted = name ?? keyPattern;
      if (wanted === undefined || (name !== undefined && keyPattern))
        throw invalid('collMod takes either an index name or a key pattern');
      if (unique !== undefined) throw unsupported('collMod of unique');
      if (hidden === undefined && ttl === undefined)
        throw invalid('no expireAfterSeconds, hidden, unique, or prepareUnique field');
      const index = indexOf(collection, wanted);
      if (index.state === 'building')
        throw new CommandError('BackgroundOperationInProgressForNamespace', 'the index is being built');
      const isId = index === collection.idIndex;
      if (hidden !== undefined && isId) throw badValue("can't hide _id index");
      if (ttl !== undefined && (isId || index.paths.length > 1 || !isTtl(ttl)))
        throw invalid('a TTL index is on one field other than _id, for 0 to 2147483647 seconds');
      const { spec } = index;
      const old = spec.expireAfterSeconds ?? undefined;
      const altered = { hidden: hidden ?? spec.hidden, expireAfterSeconds: ttl ?? spec.expireAfterSeconds };
      context.engine.catalog.alterIndex(collection, index, { spec: { ...spec, ...altered } });
      context.engine.logCommand(collection.db, doc({ collMod: collection.name, index: change }), collection);
      return doc({
        expireAfterSeconds_old: ttl === undefined || old === undefined ? undefined : BigInt(old),
        expireAfterSeconds_new: ttl === undefined || ttl === old ? undefined : BigInt(ttl),
        ...(hidden === !spec.hidden && { hidden_old: spec.hidden, hidden_new: hidden }),
      });
    },
  }),
};

const invalid = (message: string): CommandError => new CommandError('InvalidOptions', message);

const BUILD_CHUNK_ROWS = 256;
const MAX_INDEXES = 64;

export const indexes: CommandTable = {
  createIndexes: command({
    writes: true,
    fields: fields({ docs: 'indexes', ignored: 'commitQuorum ignoreUnknownIndexOptions' }),
    run(args, context) {
      const ns = namespaceOf(context);
      const inputs = required(args.indexes, 'createIndexes.indexes');
      const specs = inputs.map((input) => checkedName(parseIndexSpec(input), input));
      if (specs.length === 0) throw badValue('Must specify at least one index to create');
      const wanted = specs.filter(({ key }) => !isIdKey(key));
      const { engine, deadline } = context;
      return engine.queue.run(function* () {
        const createdCollectionAutomatically = !engine.catalog.get(ns);
        const collection = engine.collectionForWrite(ns);
        const numIndexesBefore = collection.indexes.length;
        yield* build(engine, collection, wanted, deadline);
        const numIndexesAfter = collection.indexes.length;
        const isNew = createdCollectionAutomatically || numIndexesAfter > numIndexesBefore;
        const more = isNew ? { createdCollectionAutomatically } : { note: 'all indexes already exist' };
        return doc({ numIndexesBefore, numIndexesAfter, ...more });
      });
    },
  }),

  dropIndexes: command({
    ...DDL,
    fields: fields({ any: 'index' }),
    run(args, context) {
      const wanted = required(args.index, 'dropIndexes.index');
      const collection = existing(context);
      const nIndexesWas = collection.indexes.length;
      const all = wanted === '*';
      const doomed = all
        ? collection.indexes.slice(1)
        : [wanted].flat().map((one) => indexOf(collection, one));
      if (doomed.some((index) => index === collection.idIndex)) throw invalid('cannot drop _id index');
      for (const index of new Set(doomed)) {
        context.engine.catalog.dropIndex(collection, index);
        const entry = doc({ dropIndexes: collection.name, index: index.spec.name });
        context.engine.logCommand(collection.db, entry, collection);
      }
      return doc({ nIndexesWas, msg: all ? 'non-_id indexes dropped for collection' : undefined });
    },
  }),
};

/** There is one index on `_id`, and nothing of it can be chosen. */
function checkedName(spec: IndexSpec, input: BDoc): IndexSpec {
  if (!isIdKey(spec.key)) {
    if (spec.name === '_id_' || spec.name === '*')
      throw badValue(`The index name '${spec.name}' is not valid for ${describe(spec.key)}`);
    return spec;
  }
  if (directions(spec.key)[0] === -1) throw badValue('The key of an _id index must be {_id: 1}');
  const option = input.keys().find((field) => !['key', 'name', 'ns', 'v', 'collation'].includes(field));
  if (option === undefined) return spec;
  const message = `The field '${option}' is not valid for an _id index specification`;
  throw new CommandError('InvalidIndexSpecificationOption', message);
}

/** Builds indexes in one pass over the collection: all of them or none. */
function* build(
  engine: Engine,
  collection: Collection,
  specs: IndexSpec[],
  deadline: number,
): WriteSteps<void> {
  const building: Index[] = [];
  try {
    // One that somebody else is building now is waited for: only a finished one keeps its promises.
    while (specs.some((spec) => alike(collection, spec)?.state === 'building'))
      yield* pause(collection, building, deadline, 'wait');
    for (const spec of specs) {
      if (alike(collection, spec)) continue;
      if (collection.indexes.length >= MAX_INDEXES)
        throw new CommandError('CannotCreateIndex', `${collection.ns} has ${MAX_INDEXES} indexes already`);
      building.push(engine.catalog.addIndex(collection, spec, 'building'));
    }
    if (building.length > 0) yield* fill(engine, collection, building, deadline);
  } catch (error) {
    const left = building.filter((index) => collection.indexes.includes(index));
    if (error instanceof CommandError && !collection.dropped)
      for (const index of left) engine.catalog.dropIndex(collection, index);
    throw error;
  }
  for (const index of building) {
    engine.catalog.alterIndex(collection, index, { state: 'ready' });
    const entry = BDoc.of(['createIndexes', collection.name], ...specDocument(index.spec).entries());
    engine.logCommand(collection.db, entry, collection);
  }
}

/** Writers keep the indexes up to date meanwhile, so each step can be committed on its own. */
function* fill(
  engine: Engine,
  collection: Collection,
  building: Index[],
  deadline: number,
): WriteSteps<void> {
  let after = 0;
  for (;;) {
    const rows = collection.records.scan(after, BUILD_CHUNK_ROWS);
    for (const { rid, bytes } of rows) {
      const document = BDoc.fromBytes(bytes);
      for (const index of building) engine.writes.build(collection, index, rid, document);
      after = rid;
    }
    if (rows.length < BUILD_CHUNK_ROWS) return;
    yield* pause(collection, building, deadline);
  }
}

function* pause(collection: Collection, building: Index[], deadline: number, how?: 'wait'): WriteSteps<void> {
  checkDeadline(deadline);
  yield how;
  if (collection.dropped || building.some(({ table }) => table.dropped))
    throw new CommandError(276, `index build on ${collection.ns} ended: it was dropped`);
}

/** The index that a definition asks for if it exists already; an error if it exists otherwise. */
function alike(collection: Collection, spec: IndexSpec): Index | null {
  const { name, expireAfterSeconds } = spec;
  const named = collection.indexes.find((index) => index.spec.name === name);
  const same = collection.indexes.find((index) => identity(index.spec) === identity(spec));
  if (named && same !== named)
    throw new CommandError('IndexKeySpecsConflict', `an index of another key has the name ${name} already`);
  if (!same) return null;
  if (!named)
    throw new CommandError('IndexOptionsConflict', `the index exists with another name: ${same.spec.name}`);
  if (named.spec.expireAfterSeconds === expireAfterSeconds) return named;
  throw new CommandError(
    'IndexOptionsConflict',
    `an equivalent index exists with different options: ${name}`,
  );
}

/** An index by name or key pattern, or error 27. */
export function indexOf(collection: Collection, wanted: BValue): Index {
  const pattern = wanted instanceof BDoc ? keyString([wanted]) : null;
  if (!pattern && typeof wanted !== 'string')
    throw new CommandError('TypeMismatch', `an index is a name or a key pattern, got ${describe(wanted)}`);
  const [index, ...others] = collection.indexes.filter(({ spec }) =>
    pattern ? keyString([spec.key]).equals(pattern) : spec.name === wanted,
  );
  if (others.length > 0)
    throw new CommandError('AmbiguousIndexKeyPattern', 'several indexes have that key, identify one by name');
  if (index) return index;
  const how = pattern ? `with key: ${describe(wanted)}` : `with name [${describe(wanted)}]`;
  throw new CommandError('IndexNotFound', `index not found ${how}`);
}
