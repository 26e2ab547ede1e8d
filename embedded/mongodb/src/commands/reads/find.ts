import { BDoc } from '../../bson/values.js';
import { Cursor } from '../../cursor/cursor.js';
import { CommandError, unsupported } from '../../errors.js';
import type { EvalContext } from '../../expr/context.js';
import { OPLOG_NAMESPACE } from '../../oplog/oplog.js';
import { oplogReading } from '../../oplog/oplog-reading.js';
import type { Found, Reading } from '../../query/find.js';
import { prepareFind } from '../../query/find.js';
import type { FindQuery, PreparedFind } from '../../query/find.js';
import { compileProjection } from '../../query/projection.js';
import { command, evalContextOf, namespaceOf } from '../command.js';
import type { CommandContext, CommandTable } from '../command.js';
import { fields, required } from '../schema.js';
import type { Args } from '../schema.js';

export const FIND = fields({
  doc: ['filter', 'sort', 'projection', 'let'],
  count: ['skip', 'limit', 'batchSize'],
  bool: [
    'singleBatch',
    'noCursorTimeout',
    'allowDiskUse',
    'tailable',
    'awaitData',
    'returnKey',
    'showRecordId',
  ],
  hint: ['hint'],
  collation: ['collation'],
  refused: ['min', 'max'],
  ignored: ['allowPartialResults', 'oplogReplay'],
});
type FindArgs = Args<typeof FIND.lists>;

/** Options that may be given as `false`. */
const UNSUPPORTED = ['tailable', 'awaitData', 'returnKey', 'showRecordId'] as const;

const find = command({
  fields: FIND,
  run(args, context) {
    const { info, lsid, cursors, deadline } = context;
    const ns = namespaceOf(context);
    for (const option of UNSUPPORTED) if (args[option]) throw unsupported(`find with ${option}`);
    info.count('query');
    const { batchSize, singleBatch: single, noCursorTimeout: noTimeout } = args;
    return cursors.first(new Cursor(ns, open(args, ns, context), { lsid, noTimeout }), deadline, {
      batchSize,
      single,
    });
  },
});

function open(args: FindArgs, ns: string, context: CommandContext): Reading<BDoc> {
  const { projection, filter = BDoc.of() } = args;
  const evalContext = evalContextOf(context, args.let);
  const project = projection && projection.size > 0 ? compileProjection(projection, evalContext) : null;
  if (ns === OPLOG_NAMESPACE) return oplogReading(context.engine, filter, args, project, evalContext);
  return projected(prepare({ ...args, filter }, ns, context, evalContext).run(context.engine.epoch), project);
}

/** Plans a read of a collection. */
export function prepare(
  { filter, sort, hint, skip, limit, allowDiskUse }: FindQuery,
  ns: string,
  context: CommandContext,
  evalContext: EvalContext,
): PreparedFind {
  const collection = context.engine.catalog.get(ns);
  return prepareFind(collection, { filter, sort, hint, skip, limit, allowDiskUse }, evalContext);
}

function* projected(found: Reading<Found>, project: ((doc: BDoc) => BDoc) | null): Reading<BDoc> {
  for (const one of found) yield one && (project ? project(one.doc) : one.doc);
}

const getMore = command({
  fields: fields({
    string: ['collection'],
    count: ['batchSize'],
    ignored: ['term', 'lastKnownCommittedOpTime'],
  }),
  run(args, { target, cursors, info, db, deadline }) {
    if (typeof target !== 'bigint')
      throw new CommandError('TypeMismatch', "BSON field 'getMore.getMore' must be a long");
    info.count('getmore');
    const ns = `${db}.${required(args.collection, 'getMore.collection')}`;
    return cursors.next(target, ns, deadline, args.batchSize || Infinity);
  },
});

const killCursors = command({
  fields: fields({ array: ['cursors'] }),
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
