import { hostname } from 'node:os';
import { Binary } from 'bson';
import { doc } from '../bson/plain.js';
import { double } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import { specDocument } from '../catalog/index.js';
import { truthy } from '../expr/compiler.js';
import { evalContext } from '../expr/expression.js';
import { compileFilter } from '../query/matcher.js';
import { MONGODB_VERSION } from '../server-info.js';
import { command, existing, namespaceOf, type CommandContext, type CommandTable } from './command.js';
import { CURSOR, fields, integer, parseFields } from './schema.js';

const collStats = command({
  fields: fields({ positive: 'scale', ignored: 'verbose' }),
  run({ scale = 1 }, context) {
    const ns = namespaceOf(context);
    const { count = 0, bytes = 0, indexes = [] } = context.engine.catalog.get(ns) ?? {};
    const sizes = indexes.map(({ spec, table }) => [spec.name, Math.ceil(table.bytes() / scale)] as const);
    const size = Math.floor(bytes / scale);
    const totalIndexSize = sum(sizes.map(([, indexSize]) => indexSize));
    const avgObjSize = count > 0 ? Math.floor(bytes / count) : undefined;
    const capped = ns === context.engine.oplog.ns;
    const own = { ns, count, size, storageSize: size, avgObjSize, capped, scaleFactor: scale };
    const ofIndexes = { nindexes: indexes.length, totalIndexSize, indexSizes: BDoc.of(...sizes) };
    return doc({ ...own, ...ofIndexes, totalSize: size + totalIndexSize });
  },
});

const dbStats = command({
  fields: fields({ positive: 'scale', ignored: 'freeStorage' }),
  run({ scale = 1 }, { engine, db }) {
    const collections = engine.catalog.list(db);
    const indexes = collections.flatMap((collection) => collection.indexes);
    const objects = sum(collections.map(({ count }) => count));
    const bytes = sum(collections.map((collection) => collection.bytes));
    const indexBytes = sum(indexes.map(({ table }) => table.bytes()));
    const counts = { collections: collections.length, views: 0, objects, indexes: indexes.length };
    const avgObjSize = double(objects ? bytes / objects : 0);
    const [dataSize, indexSize] = [double(bytes / scale), double(indexBytes / scale)];
    const totalSize = double((bytes + indexBytes) / scale);
    const sizes = { avgObjSize, dataSize, storageSize: dataSize, indexSize, totalSize, scaleFactor: scale };
    return doc({ db, ...counts, ...sizes });
  },
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** A section that is asked for comes anyway; one that is set to 0 is left out. */
const serverStatus = command({
  fields: fields({
    ignored:
      'repl metrics locks network opcounters connections wiredTiger storageEngine tcmalloc asserts mem recordStats',
  }),
  run(_args, { info, engine, cursors, peer, body }) {
    const opcounters = Object.entries(info.opcounters).map(([name, n]) => [name, BigInt(n)] as const);
    const writer = Object.entries(engine.queue.stats).map(([name, n]) => [name, double(n)] as const);
    const status = doc({
      host: `${hostname()}:${info.port}`,
      version: MONGODB_VERSION,
      process: 'embedded-mongodb',
      pid: BigInt(process.pid),
      uptime: double(Math.floor(process.uptime())),
      localTime: new Date(),
      connections: { current: info.connectionsOpen, totalCreated: info.connectionsMade, yours: peer.id },
      opcounters: BDoc.of(...opcounters),
      mem: { bits: 64, resident: Math.round(process.memoryUsage.rss() / 2 ** 20) },
      metrics: { cursor: { timedOut: BigInt(cursors.timedOut), open: { total: BigInt(cursors.size) } } },
      writer: BDoc.of(['queued', engine.queue.depth], ...writer),
      oplog: { bytes: BigInt(engine.oplog.bytes) },
      storageEngine: { name: 'sqlite', persistent: true },
      repl: { setName: info.options.setName, isWritablePrimary: !info.shuttingDown, me: info.address },
    });
    for (const [section, wanted] of body.entries()) if (!truthy(wanted)) status.delete(section);
    return status;
  },
});

export const statistics: CommandTable = {
  collStats,
  collstats: collStats,
  dbStats,
  dbstats: dbStats,
  serverStatus,
};

export const listings: CommandTable = {
  listCollections: command({
    fields: fields({ doc: 'filter cursor', bool: 'nameOnly', ignored: 'authorizedCollections' }),
    run({ filter, nameOnly, cursor }, context) {
      const { engine, db } = context;
      const all = engine.catalog.list(db).map(({ name, uuid, idIndex: index }) => {
        const info = { readOnly: false, uuid: new Binary(uuid, Binary.SUBTYPE_UUID) };
        const options = index ? {} : { capped: true };
        const idIndex = index && specDocument(index.spec);
        return doc({ name, type: 'collection', options, info, idIndex });
      });
      const found = selected(all, filter).map((one) => (nameOnly ? only(one, 'name', 'type') : one));
      return list(`${db}.$cmd.listCollections`, found, cursor, context);
    },
  }),

  listIndexes: command({
    fields: fields({ doc: 'cursor', ignored: 'includeBuildUUIDs includeIndexBuildInfo' }),
    run({ cursor }, context) {
      const { ns, readyIndexes } = existing(context);
      const specs = readyIndexes.map(({ spec }) => specDocument(spec));
      return list(ns, specs, cursor, context);
    },
  }),

  listDatabases: command({
    adminOnly: true,
    fields: fields({ doc: 'filter', bool: 'nameOnly', ignored: 'authorizedDatabases' }),
    run({ filter, nameOnly }, context) {
      const { engine } = context;
      const sizes = new Map<string, number>();
      for (const { db, bytes } of engine.catalog.list()) sizes.set(db, (sizes.get(db) ?? 0) + bytes);
      const all = [...sizes].map(([name, size]) => doc({ name, sizeOnDisk: BigInt(size), empty: false }));
      const databases = selected(all, filter);
      if (nameOnly) return doc({ databases: databases.map((one) => only(one, 'name')) });
      const totalSize = databases.reduce((sum, one) => sum + BigInt(integer(one.get('sizeOnDisk')) ?? 0), 0n);
      return doc({ databases, totalSize, totalSizeMb: totalSize / 1_048_576n });
    },
  }),
};

function selected(all: BDoc[], filter: BDoc | undefined): BDoc[] {
  return filter ? all.filter(compileFilter(filter, evalContext()).matches) : all;
}

function only(document: BDoc, ...names: string[]): BDoc {
  return BDoc.of(...names.map((name) => [name, document.get(name) ?? null] as const));
}

function list(ns: string, found: BDoc[], options: BDoc | undefined, context: CommandContext): Promise<BDoc> {
  const cursor = parseFields(`${context.name}.cursor`, CURSOR, options ?? BDoc.of());
  return context.cursors.open(ns, found, context, cursor);
}
