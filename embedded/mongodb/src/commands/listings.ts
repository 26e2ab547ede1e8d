import { Binary } from 'bson';
import { BDoc, double } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import { specDocument } from '../catalog/index-spec.js';
import { compileFilter } from '../query/matcher.js';
import { OPLOG_NAMESPACE } from '../oplog/oplog.js';
import { firstBatch, listed } from './command-cursor.js';
import { defineCommand, evalContextOf } from './context.js';
import type { CommandContext } from './context.js';
import { integer } from './schema.js';

export const listCollections = defineCommand({
  name: 'listCollections',
  help: 'returns the collections of a database',
  schema: { filter: 'doc', nameOnly: 'bool', authorizedCollections: 'ignored', cursor: 'doc' } as const,
  run(args, context) {
    const { engine, db } = context;
    const { matches } = compileFilter(args.filter ?? BDoc.of(), evalContextOf(context));
    const all = engine.catalog.list(db).map(describe);
    if (db === 'local') all.push(oplogEntry());
    const found = all.filter(matches);
    const documents = args.nameOnly ? found.map(nameAndType) : found;
    const batchSize = integer(args.cursor?.get('batchSize') ?? null);
    return firstBatch(context, `${db}.$cmd.listCollections`, listed(documents), { batchSize });
  },
});

function describe({ name, uuid, idIndex }: Collection): BDoc {
  return BDoc.of(
    ['name', name],
    ['type', 'collection'],
    ['options', BDoc.of()],
    ['info', BDoc.of(['readOnly', false], ['uuid', new Binary(uuid, Binary.SUBTYPE_UUID)])],
    ['idIndex', specDocument(idIndex.spec)],
  );
}

function oplogEntry(): BDoc {
  const name = OPLOG_NAMESPACE.slice('local.'.length);
  const options = BDoc.of(['capped', true], ['autoIndexId', false]);
  return BDoc.of(
    ['name', name],
    ['type', 'collection'],
    ['options', options],
    ['info', BDoc.of(['readOnly', true])],
  );
}

function nameAndType(document: BDoc): BDoc {
  return BDoc.of(['name', document.get('name') ?? null], ['type', 'collection']);
}

export const listDatabases = defineCommand({
  name: 'listDatabases',
  adminOnly: true,
  help: 'returns the databases',
  schema: { filter: 'doc', nameOnly: 'bool', authorizedDatabases: 'ignored' } as const,
  run(args, context) {
    const { matches } = compileFilter(args.filter ?? BDoc.of(), evalContextOf(context));
    const sizes = databaseSizes(context);
    const all = [...sizes].map(([name, size]) =>
      BDoc.of(['name', name], ['sizeOnDisk', BigInt(size)], ['empty', size === 0]),
    );
    const databases = all.filter(matches);
    if (args.nameOnly)
      return BDoc.of(['databases', databases.map((one) => BDoc.of(['name', one.get('name') ?? null]))]);
    const total = databases.reduce((sum, one) => sum + Number(one.get('sizeOnDisk')), 0);
    return BDoc.of(
      ['databases', databases],
      ['totalSize', BigInt(total)],
      ['totalSizeMb', BigInt(Math.floor(total / 2 ** 20))],
    );
  },
});

function databaseSizes({ engine }: CommandContext): Map<string, number> {
  const sizes = new Map([['local', engine.oplog.bytes]]);
  for (const { db, bytes } of engine.catalog.list()) sizes.set(db, (sizes.get(db) ?? 0) + bytes);
  return sizes;
}

/** Registered by the registry, which is what it lists. */
export function listCommandsOf(
  commands: () => Iterable<{ name: string; help: string; adminOnly?: boolean; writes?: boolean }>,
) {
  return defineCommand({
    name: 'listCommands',
    help: 'returns the commands',
    schema: {},
    run() {
      const documents = [...commands()].map(({ name, help, adminOnly, writes }): [string, BDoc] => [
        name,
        BDoc.of(
          ['help', help],
          ['requiresAuth', false],
          ['secondaryOk', !writes],
          ['adminOnly', adminOnly ?? false],
        ),
      ]);
      return BDoc.of(['commands', BDoc.of(...documents)], ['ok', double(1)]);
    },
  });
}
