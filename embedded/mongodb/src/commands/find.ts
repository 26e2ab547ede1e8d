import { BDoc } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileProjection } from '../query/projection.js';
import type { Found, Reading } from '../query/find.js';
import { prepareFind } from '../query/find.js';
import type { PreparedFind } from '../query/find.js';
import { OPLOG_NAMESPACE } from '../oplog/oplog.js';
import { oplogReading } from '../oplog/oplog-reading.js';
import { firstBatch, settle } from './command-cursor.js';
import { checkCollation, defineCommand, evalContextOf, namespaceOf } from './context.js';
import type { CommandContext } from './context.js';
import { hintOf } from './hint.js';
import { required } from './schema.js';
import type { Args } from './schema.js';

export const FIND_SCHEMA = {
  filter: 'doc',
  sort: 'doc',
  projection: 'doc',
  hint: 'any',
  skip: 'int',
  limit: 'int',
  batchSize: 'int',
  singleBatch: 'bool',
  let: 'doc',
  collation: 'doc',
  allowDiskUse: 'bool',
  noCursorTimeout: 'bool',
  allowPartialResults: 'ignored',
  oplogReplay: 'ignored',
  tailable: 'bool',
  awaitData: 'bool',
  returnKey: 'bool',
  showRecordId: 'bool',
  min: 'refused',
  max: 'refused',
} as const;

type FindArgs = Args<typeof FIND_SCHEMA>;

export const find = defineCommand({
  name: 'find',
  help: 'returns documents of a collection',
  schema: FIND_SCHEMA,
  async run(args, context) {
    const ns = namespaceOf(context);
    context.info.count('query');
    checkNumbers(args);
    return firstBatch(context, ns, openFind(args, context), {
      batchSize: args.batchSize,
      singleBatch: args.singleBatch ?? false,
      noTimeout: args.noCursorTimeout ?? false,
    });
  },
});

/** Plans a find; explain uses it too. */
export function prepareFindCommand(
  args: FindArgs,
  context: CommandContext,
  evalContext: EvalContext,
): PreparedFind {
  checkCollation(args.collation);
  const collection = context.engine.catalog.get(namespaceOf(context));
  return prepareFind(
    collection,
    {
      filter: args.filter ?? BDoc.of(),
      sort: args.sort,
      hint: hintOf(args.hint),
      skip: args.skip,
      limit: args.limit,
      allowDiskUse: args.allowDiskUse,
    },
    evalContext,
  );
}

function openFind(args: FindArgs, context: CommandContext): Reading<BDoc> {
  for (const option of UNSUPPORTED) if (args[option]) throw unsupported(`find with ${option}`);
  const evalContext = evalContextOf(context, args.let);
  const { projection, filter = BDoc.of() } = args;
  const project =
    projection && projection.size > 0 ? compileProjection(projection, evalContext, filter) : null;
  if (namespaceOf(context) === OPLOG_NAMESPACE)
    return oplogReading(context.engine, filter, args, project, evalContext);
  const prepared = prepareFindCommand(args, context, evalContext);
  return projected(prepared.run(context.engine.epoch), project);
}

const UNSUPPORTED = ['tailable', 'awaitData', 'returnKey', 'showRecordId'] as const;

function* projected(found: Reading<Found>, project: ((doc: BDoc) => BDoc) | null): Reading<BDoc> {
  for (const one of found) yield one && (project ? project(one.doc) : one.doc);
}

function checkNumbers({ skip = 0, limit = 0, batchSize = 0 }: FindArgs): void {
  const least = Math.min(skip, limit, batchSize);
  if (least >= 0) return;
  throw new CommandError(51024, `skip, limit and batchSize must be >= 0, actual value '${least}'`);
}

export const getMore = defineCommand({
  name: 'getMore',
  help: 'returns the next batch of a cursor',
  schema: {
    collection: 'string',
    batchSize: 'int',
    term: 'ignored',
    lastKnownCommittedOpTime: 'ignored',
  } as const,
  async run(args, context) {
    const { target, cursors, info } = context;
    if (typeof target !== 'bigint')
      throw new CommandError('TypeMismatch', "BSON field 'getMore.getMore' must be a long");
    info.count('getmore');
    const ns = `${context.db}.${required(args.collection, 'getMore.collection')}`;
    if ((args.batchSize ?? 0) < 0)
      throw new CommandError('BadValue', `batchSize must be >= 0, got ${args.batchSize}`);
    const cursor = cursors.get(target, ns);
    cursor.busy = true;
    try {
      const documents = await cursor.batch(args.batchSize || Infinity, context.deadline);
      const id = settle(context, cursor, false);
      return BDoc.of(['cursor', BDoc.of(['nextBatch', documents], ['id', id], ['ns', ns])]);
    } catch (error) {
      cursors.kill(target);
      throw error;
    } finally {
      cursor.busy = false;
    }
  },
});

export const killCursors = defineCommand({
  name: 'killCursors',
  help: 'closes cursors',
  schema: { cursors: 'array' } as const,
  run(args, { cursors }) {
    const killed: bigint[] = [];
    const notFound: bigint[] = [];
    for (const id of required(args.cursors, 'killCursors.cursors')) {
      if (typeof id !== 'bigint')
        throw new CommandError('TypeMismatch', 'killCursors.cursors must hold longs');
      (cursors.kill(id) ? killed : notFound).push(id);
    }
    return BDoc.of(
      ['cursorsKilled', killed],
      ['cursorsNotFound', notFound],
      ['cursorsAlive', []],
      ['cursorsUnknown', []],
    );
  },
});
