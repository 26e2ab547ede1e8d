import { BDoc, double } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import { MONGODB_VERSION } from '../server-info.js';
import { defineCommand, namespaceOf } from './context.js';
import type { CommandContext } from './context.js';
import { hostname } from 'node:os';
import type { BValue } from '../bson/values.js';

export const collStats = defineCommand({
  name: 'collStats',
  aliases: ['collstats'],
  help: 'returns counts and sizes of a collection',
  schema: { scale: 'int', verbose: 'ignored' } as const,
  run(args, context) {
    const ns = namespaceOf(context);
    const scale = Math.max(1, args.scale ?? 1);
    const collection = context.engine.catalog.get(ns);
    return BDoc.of(['ns', ns], ...collectionNumbers(collection, scale), ['scaleFactor', scale]);
  },
});

function collectionNumbers(collection: Collection | undefined, scale: number): [string, BValue][] {
  const { count = 0, bytes = 0, indexes = [] } = collection ?? {};
  const sizes = indexes.map((index): [string, number] => [
    index.spec.name,
    Math.ceil(index.table.bytes() / scale),
  ]);
  const fields: [string, BValue][] = [
    ['size', Math.floor(bytes / scale)],
    ['count', count],
    ['numOrphanDocs', 0],
    ['storageSize', Math.floor(bytes / scale)],
    ['totalSize', Math.floor(bytes / scale) + sum(sizes)],
    ['freeStorageSize', 0],
    ['capped', false],
    ['nindexes', indexes.length],
    ['indexBuilds', indexes.filter(({ state }) => state === 'building').map(({ spec }) => spec.name)],
    ['totalIndexSize', sum(sizes)],
    ['indexSizes', BDoc.of(...sizes)],
  ];
  if (count > 0) fields.splice(2, 0, ['avgObjSize', Math.floor(bytes / count)]);
  return fields;
}

function sum(sizes: [string, number][]): number {
  return sizes.reduce((total, [, size]) => total + size, 0);
}

export const dbStats = defineCommand({
  name: 'dbStats',
  aliases: ['dbstats'],
  help: 'returns counts and sizes of a database',
  schema: { scale: 'int', freeStorage: 'ignored' } as const,
  run(args, { engine, db }) {
    const scale = Math.max(1, args.scale ?? 1);
    const collections = engine.catalog.list(db);
    const objects = collections.reduce((total, { count }) => total + count, 0);
    const bytes = collections.reduce((total, one) => total + one.bytes, 0);
    const indexes = collections.flatMap((one) => one.indexes);
    const indexBytes = indexes.reduce((total, { table }) => total + table.bytes(), 0);
    return BDoc.of(
      ['db', db],
      ['collections', BigInt(collections.length)],
      ['views', 0n],
      ['objects', BigInt(objects)],
      ['avgObjSize', double(objects ? bytes / objects : 0)],
      ['dataSize', double(bytes / scale)],
      ['storageSize', double(bytes / scale)],
      ['indexes', BigInt(indexes.length)],
      ['indexSize', double(indexBytes / scale)],
      ['totalSize', double((bytes + indexBytes) / scale)],
      ['scaleFactor', BigInt(scale)],
    );
  },
});

export const serverStatus = defineCommand({
  name: 'serverStatus',
  help: 'returns counters of the server',
  schema: {
    repl: 'any',
    metrics: 'any',
    locks: 'any',
    network: 'any',
    opcounters: 'any',
    connections: 'any',
    wiredTiger: 'any',
    storageEngine: 'any',
    tcmalloc: 'any',
    asserts: 'any',
    mem: 'any',
    recordStats: 'any',
  } as const,
  run: (_args, context) => status(context),
});

function status({ info, engine, cursors, peer }: CommandContext): BDoc {
  const { commits, steps, largestBatch, commitMs, syncMs } = engine.queue.stats;
  const memory = process.memoryUsage();
  const uptime = process.uptime();
  return BDoc.of(
    ['host', `${hostname()}:${info.port}`],
    ['version', MONGODB_VERSION],
    ['process', 'embedded-mongodb'],
    ['pid', BigInt(process.pid)],
    ['uptime', double(Math.floor(uptime))],
    ['uptimeMillis', BigInt(Math.floor(uptime * 1000))],
    ['uptimeEstimate', BigInt(Math.floor(uptime))],
    ['localTime', new Date()],
    [
      'connections',
      BDoc.of(
        ['current', info.connectionsOpen],
        ['available', 65_536],
        ['totalCreated', info.connectionsMade],
        ['yours', peer.id],
      ),
    ],
    [
      'opcounters',
      BDoc.of(...Object.entries(info.opcounters).map(([name, n]): [string, bigint] => [name, BigInt(n)])),
    ],
    [
      'mem',
      BDoc.of(
        ['bits', 64],
        ['resident', Math.round(memory.rss / 2 ** 20)],
        ['virtual', Math.round(memory.rss / 2 ** 20)],
      ),
    ],
    [
      'metrics',
      BDoc.of([
        'cursor',
        BDoc.of(['timedOut', BigInt(cursors.timedOut)], ['open', BDoc.of(['total', BigInt(cursors.size)])]),
      ]),
    ],
    [
      'writer',
      BDoc.of(
        ['queued', engine.queue.depth],
        ['commits', BigInt(commits)],
        ['writes', BigInt(steps)],
        ['averageBatch', double(commits ? steps / commits : 0)],
        ['largestBatch', largestBatch],
        ['averageCommitMs', double(commits ? commitMs / commits : 0)],
        ['averageSyncMs', double(commits ? syncMs / commits : 0)],
      ),
    ],
    ['oplog', BDoc.of(['bytes', BigInt(engine.oplog.bytes)])],
    ['storageEngine', BDoc.of(['name', 'sqlite'], ['persistent', true])],
    [
      'repl',
      BDoc.of(
        ['setName', info.options.setName],
        ['isWritablePrimary', !info.shuttingDown],
        ['hosts', [info.address]],
        ['me', info.address],
      ),
    ],
  );
}
