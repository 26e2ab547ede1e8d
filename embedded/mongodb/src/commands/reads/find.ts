import { keyString } from '../../bson/keystring.js';
import { doc } from '../../bson/plain.js';
import { BDoc, type BValue } from '../../bson/values.js';
import { readAll } from '../../cursor/cursor.js';
import { CommandError, unsupported } from '../../errors.js';
import { evalContext } from '../../expr/expression.js';
import { prepareFind, type Found, type Reading } from '../../query/find.js';
import { compileProjection } from '../../query/projection.js';
import { command, namespaceOf, type CommandTable } from '../command.js';
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
    const { info, cursors } = context;
    const ns = namespaceOf(context);
    for (const option of UNSUPPORTED) if (args[option]) throw unsupported(`find with ${option}`);
    info.opcounters.query += 1;
    const { projection, filter = BDoc.of() } = args;
    const ctx = evalContext(args.let);
    const project = projection && projection.size > 0 ? compileProjection(projection, ctx) : null;
    const found = prepareFind(context.engine.catalog.get(ns), { ...args, filter }, ctx).run();
    return cursors.open(ns, projected(found, project), context, args);
  },
});

function* projected(found: Reading<Found>, project: ((doc: BDoc) => BDoc) | null): Reading<BDoc> {
  for (const one of found) yield one && (project ? project(one.doc) : one.doc);
}

const getMore = command({
  fields: fields({ string: 'collection', count: 'batchSize', ignored: 'term lastKnownCommittedOpTime' }),
  run(args, context) {
    const { target, cursors, info, db } = context;
    if (typeof target !== 'bigint')
      throw new CommandError('TypeMismatch', "BSON field 'getMore.getMore' must be a long");
    info.opcounters.getmore += 1;
    const ns = `${db}.${required(args.collection, 'getMore.collection')}`;
    return cursors.next(target, ns, context, args.batchSize || Infinity);
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
    return doc({ cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [] });
  },
});

const count = command({
  fields: fields({
    doc: 'query',
    count: 'skip',
    int: 'limit',
    hint: 'hint',
    collation: 'collation',
    ignored: 'fields',
  }),
  async run({ query: filter = BDoc.of(), skip = 0, hint, ...args }, context) {
    const limit = Math.abs(args.limit ?? 0);
    const collection = context.engine.catalog.get(namespaceOf(context));
    const prepared = prepareFind(collection, { filter, hint, skip, limit }, evalContext());
    let n = 0;
    await readAll(prepared.count(), context.deadline, (some) => (n += some));
    return doc({ n });
  },
});

const MAX_REPLY_BYTES = 16 * 1024 * 1024;

const distinct = command({
  fields: fields({ string: 'key', doc: 'query', hint: 'hint', collation: 'collation' }),
  async run({ key, query: filter = BDoc.of(), hint }, context) {
    const path = required(key, 'distinct.key').split('.');
    const collection = context.engine.catalog.get(namespaceOf(context));
    const reading = prepareFind(collection, { filter, hint }, evalContext()).run();
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
    // A number is a position here and never the name of a field of the elements.
    const isPosition = /^\d+$/.test(name);
    for (const [at, one] of value.entries()) {
      if (isPosition && String(at) === name) collect(one, rest, values);
      else if (!isPosition && one instanceof BDoc) collect(one, [name, ...rest], values);
    }
  } else if (value instanceof BDoc) {
    const child = value.get(name);
    if (child !== undefined) collect(child, rest, values);
  }
}

export const reads: CommandTable = { find, getMore, killCursors, count, distinct };
