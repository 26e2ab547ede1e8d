import { Binary } from 'bson';
import { doc } from '../../bson/plain.js';
import { BDoc } from '../../bson/values.js';
import { specDocument } from '../../catalog/index-spec.js';
import { Cursor } from '../../cursor/cursor.js';
import { OPLOG_NAMESPACE } from '../../oplog/oplog.js';
import { compileFilter } from '../../query/matcher.js';
import {
  command,
  evalContextOf,
  existing,
  namespaceOf,
  type CommandContext,
  type CommandTable,
} from '../command.js';
import { fields, integer } from '../schema.js';

const OPLOG_ENTRY = doc({
  name: OPLOG_NAMESPACE.slice('local.'.length),
  type: 'collection',
  options: { capped: true },
  info: { readOnly: true },
});

export const listings: CommandTable = {
  listCollections: command({
    fields: fields({ doc: 'filter cursor', bool: 'nameOnly', ignored: 'authorizedCollections' }),
    run({ filter, nameOnly, cursor }, context) {
      const { engine, db } = context;
      const all = engine.catalog.list(db).map(({ name, uuid, idIndex }) => {
        const info = { readOnly: false, uuid: new Binary(uuid, Binary.SUBTYPE_UUID) };
        return doc({ name, type: 'collection', options: {}, info, idIndex: specDocument(idIndex.spec) });
      });
      if (db === 'local') all.push(OPLOG_ENTRY);
      const found = selected(all, filter, context).map((one) => (nameOnly ? only(one, 'name', 'type') : one));
      return list(`${db}.$cmd.listCollections`, found, cursor, context);
    },
  }),

  listIndexes: command({
    fields: fields({ doc: 'cursor', ignored: 'includeBuildUUIDs includeIndexBuildInfo' }),
    run({ cursor }, context) {
      const ns = namespaceOf(context);
      const found =
        ns === OPLOG_NAMESPACE ? [] : existing(context).readyIndexes.map(({ spec }) => specDocument(spec));
      return list(ns, found, cursor, context);
    },
  }),

  listDatabases: command({
    adminOnly: true,
    fields: fields({ doc: 'filter', bool: 'nameOnly', ignored: 'authorizedDatabases' }),
    run({ filter, nameOnly }, context) {
      const { engine } = context;
      const sizes = new Map([['local', engine.oplog.bytes]]);
      for (const { db, bytes } of engine.catalog.list()) sizes.set(db, (sizes.get(db) ?? 0) + bytes);
      const all = [...sizes].map(([name, size]) =>
        doc({ name, sizeOnDisk: BigInt(size), empty: size === 0 }),
      );
      const databases = selected(all, filter, context);
      if (nameOnly) return doc({ databases: databases.map((one) => only(one, 'name')) });
      const totalSize = databases.reduce((sum, one) => sum + BigInt(integer(one.get('sizeOnDisk')) ?? 0), 0n);
      return doc({ databases, totalSize, totalSizeMb: totalSize / 1_048_576n });
    },
  }),
};

function selected(all: BDoc[], filter: BDoc | undefined, context: CommandContext): BDoc[] {
  return filter ? all.filter(compileFilter(filter, evalContextOf(context)).matches) : all;
}

function only(document: BDoc, ...names: string[]): BDoc {
  return BDoc.of(...names.map((name) => [name, document.get(name) ?? null] as const));
}

function list(ns: string, found: BDoc[], options: BDoc | undefined, context: CommandContext): Promise<BDoc> {
  const batchSize = integer(options?.get('batchSize'));
  return context.cursors.first(new Cursor(ns, found, context), context.deadline, { batchSize });
}
