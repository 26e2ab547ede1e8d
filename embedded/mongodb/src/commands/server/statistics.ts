import { hostname } from 'node:os';
import type { Double } from 'bson';
import { doc } from '../../bson/plain.js';
import { double } from '../../bson/type-of.js';
import { BDoc } from '../../bson/values.js';
import { MONGODB_VERSION } from '../../server-info.js';
import { command, namespaceOf, reply, type CommandTable } from '../command.js';
import { fields } from '../schema.js';

const collStats = command({
  fields: fields({ int: 'scale', ignored: 'verbose' }),
  run(args, context) {
    const ns = namespaceOf(context);
    const scale = Math.max(1, args.scale ?? 1);
    const { count = 0, bytes = 0, indexes = [] } = context.engine.catalog.get(ns) ?? {};
    const sizes = indexes.map(({ spec, table }) => [spec.name, Math.ceil(table.bytes() / scale)] as const);
    const size = Math.floor(bytes / scale);
    const totalIndexSize = sum(sizes.map(([, indexSize]) => indexSize));
    const avgObjSize = count > 0 ? Math.floor(bytes / count) : undefined;
    const own = { ns, count, size, storageSize: size, avgObjSize, capped: false, scaleFactor: scale };
    const ofIndexes = { nindexes: indexes.length, totalIndexSize, indexSizes: BDoc.of(...sizes) };
    return reply({ ...own, ...ofIndexes, totalSize: size + totalIndexSize });
  },
});

const dbStats = command({
  fields: fields({ int: 'scale', ignored: 'freeStorage' }),
  run(args, { engine, db }) {
    const scale = Math.max(1, args.scale ?? 1);
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

/** Sections can be asked for or left out; they cost nothing, so all of ours always come. */
const serverStatus = command({
  fields: fields({
    ignored:
      'repl metrics locks network opcounters connections wiredTiger storageEngine tcmalloc asserts mem recordStats',
  }),
  run(_args, { info, engine, cursors, peer }) {
    const { commits, steps, largestBatch, commitMs, syncMs } = engine.queue.stats;
    const opcounters = Object.entries(info.opcounters).map(([name, n]) => [name, BigInt(n)] as const);
    const average = (sum: number): number | Double => double(commits ? sum / commits : 0);
    return doc({
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
      writer: {
        queued: engine.queue.depth,
        commits: BigInt(commits),
        writes: BigInt(steps),
        largestBatch,
        averageBatch: average(steps),
        averageCommitMs: average(commitMs),
        averageSyncMs: average(syncMs),
      },
      oplog: { bytes: BigInt(engine.oplog.bytes) },
      storageEngine: { name: 'sqlite', persistent: true },
      repl: { setName: info.options.setName, isWritablePrimary: !info.shuttingDown, me: info.address },
    });
  },
});

export const statistics: CommandTable = {
  collStats,
  collstats: collStats,
  dbStats,
  dbstats: dbStats,
  serverStatus,
};
