import { BDoc } from '../../bson/values.js';
import { Cursor } from '../../cursor/cursor.js';
import { CommandError, unsupported } from '../../errors.js';
import type { EvalContext } from '../../expr/context.js';
import { OPLOG_NAMESPACE } from '../../oplog/oplog.js';
import { oplogReading } from '../../oplog/oplog-reading.js';
import { prepareFind, type FindQuery, type Found, type Reading } from '../../query/find.js';
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
