import { keyString } from '../../bson/keystring.js';
import { doc } from '../../bson/plain.js';
import { BDoc, type BValue } from '../../bson/values.js';
import { Cursor, readAll } from '../../cursor/cursor.js';
import { CommandError, unsupported } from '../../errors.js';
import type { EvalContext } from '../../expr/context.js';
import { oplogReading } from '../../oplog/oplog-reading.js';
import { OPLOG_NAMESPACE } from '../../oplog/oplog.js';
import { countFound, prepareFind, type FindQuery, type Found, type Reading } from '../../query/find.js';
import { compileProjection } from '../../query/projection.js';
import { command, evalContextOf, namespaceOf, type CommandContext, type CommandTable } from '../command.js';
import { fields, required } from '../schema.js';

/** Options that may be given as `false`. */
const UNSUPPORTED = ['tailable', 'awaitData', 'returnKey', 'showRecordId'] as const;

const find = command({
  fields: fields({
    doc: 'filter sort projection let',
    count: 'skip limit batchSize',
    bool: 'singleBatch noCursorTimeout allowDiskUse tailable awaitData returnKey showRecordId',
    hint: 'hint',
    collation: 'collation',
    ignored: 'allowPartialResults oplogReplay',
  }),
  run(args, context) {
    const { info, lsid, cursors, deadline } = context;
    const ns = namespaceOf(context);
    for (const option of UNSUPPORTED) if (args[option]) throw unsupported(`find with ${option}`);
    info.count('query');
    const {
      projection,
      filter = BDoc.of(),
      batchSize,
      singleBatch: single,
      noCursorTimeout: noTimeout,
    } = args;
    const evalContext = evalContextOf(context, args.let);
    const project = projection && projection.size > 0 ? compileProjection(projection, evalContext) : null;
    const found = readFrom(ns, { ...args, filter }, context, evalContext);
    const cursor = new Cursor(ns, projected(found, project), { lsid, noTimeout });
    return cursors.first(cursor, deadline, { batchSize, single });
  },
});

/** Reads a collection or the oplog. */
export function readFrom(
  ns: string,
  query: FindQuery,
  { engine }: CommandContext,
  evalContext: EvalContext,
): Reading<Found> {
  if (ns === OPLOG_NAMESPACE) return oplogReading(engine.oplog, query, evalContext);
  return prepareFind(engine.catalog.get(ns), query, evalContext).run(engine.epoch);
}

function* projected(found: Reading<Found>, project: ((doc: BDoc) => BDoc) | null): Reading<BDoc> {
  for (const one of found) yield one && (project ? project(one.doc) : one.doc);
}

const getMore = command({
  fields: fields({ string: 'collection', count: 'batchSize', ignored: 'term lastKnownCommittedOpTime' }),
  run(args, { target, cursors, info, db, deadline }) {
    if (typeof target !== 'bigint')
      throw new CommandError('TypeMismatch', "BSON field 'getMore.getMore' must be a long");
    info.count('getmore');
    const ns = `${db}.${required(args.collection, 'getMore.collection')}`;
    return cursors.next(target, ns, deadline, args.batchSize || Infinity);
  },
});

const killCursors = command({
  fields: fields({ array: 'cursors' }),
  run(args, { cursors }) {
    const killed: bigint[] = [];
    const notFound: bigint[] = [];
    for (const id of required(args.cursors, 'killCursors.cursors')) {
      if (typeof id !== 'bigint')
        throw new CommandError('TypeMismatch', 'killCursors.cursors must hold longs');
      (cursors.kill(id) ? killed : notFound).push(id);
    }
    const open = { cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [] };
    return BDoc.of(...Object.entries(open));
  },
});

export const reads: CommandTable = { find, getMore, killCursors };

export const count = command({
  fields: fields({
    doc: 'query',
    count: 'skip',
    int: 'limit',
    hint: 'hint',
    collation: 'collation',
    ignored: 'fields',
  }),
  async run({ query: filter = BDoc.of(), skip = 0, hint, ...args }, context) {
    const ns = namespaceOf(context);
    const limit = Math.abs(args.limit ?? 0);
    const { engine, deadline } = context;
    const query = { filter, hint, skip, limit };
    const evalContext = evalContextOf(context);
    let n = 0;
    if (ns === OPLOG_NAMESPACE)
      await readAll(readFrom(ns, query, context, evalContext), deadline, () => (n += 1));
    else {
      const collection = engine.catalog.get(ns);
      const counts = countFound(collection, query, prepareFind(collection, query, evalContext), engine.epoch);
      await readAll(counts, deadline, (some) => (n += some));
    }
    return doc({ n });
  },
});

const MAX_REPLY_BYTES = 16 * 1024 * 1024;

export const distinct = command({
  fields: fields({ string: 'key', doc: 'query', hint: 'hint', collation: 'collation' }),
  async run({ key, query: filter = BDoc.of(), hint }, context) {
    const path = required(key, 'distinct.key').split('.');
    const reading = readFrom(namespaceOf(context), { filter, hint }, context, evalContextOf(context));
    const values = new Map<string, BValue>();
    await readAll(reading, context.deadline, (found) => collect(found.doc, path, values));
    const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
    const reply = BDoc.of(['values', sorted]);
    if (reply.toBytes().length > MAX_REPLY_BYTES) throw new CommandError(17217, 'distinct too big, 16mb cap');
    return reply;
  },
});

/** Values at a path by their keys; arrays on the way and at its end are unrolled one level. */
function collect(value: BValue, [name, ...rest]: string[], values: Map<string, BValue>): void {
  if (name === undefined) {
    for (const one of Array.isArray(value) ? value : [value]) {
      const key = keyString([one]).toString('latin1');
      if (!values.has(key)) values.set(key, one);
    }
  } else if (Array.isArray(value)) {
    const element = /^\d+$/.test(name) ? value[Number(name)] : undefined;
    if (element !== undefined) collect(element, rest, values);
    for (const one of value) if (one instanceof BDoc) collect(one, [name, ...rest], values);
  } else if (value instanceof BDoc) {
    const child = value.get(name);
    if (child !== undefined) collect(child, rest, values);
  }
}
