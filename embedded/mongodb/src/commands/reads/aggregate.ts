import { UUID } from 'bson';
import type { NamedStage } from '../../agg/document-stages.js';
import { compilePipeline, type Pipeline } from '../../agg/pipeline.js';
import { asNumber } from '../../bson/arithmetic.js';
import { expectDocument } from '../../bson/expect.js';
import { BDoc, type BValue } from '../../bson/values.js';
import { checkCollectionName } from '../../catalog/collection.js';
import { checkDeadline, readAll } from '../../cursor/cursor.js';
import { CommandError, unsupported, badValue, failedToParse } from '../../errors.js';
import type { PipelineContext } from '../../expr/compiler.js';
import { evalContext } from '../../expr/expression.js';
import { killed, prepareFind, type FindQuery, type Found, type Reading } from '../../query/find.js';
import type { Engine } from '../../storage/engine.js';
import type { WriteSteps } from '../../storage/write-queue.js';
import { command, namespaceOf, type CommandContext } from '../command.js';
import { CURSOR, fields, parseFields, required, type Args } from '../schema.js';
import { runStatement } from '../writes/statement.js';

export const AGGREGATE = fields({
  array: 'pipeline',
  doc: 'cursor let',
  bool: 'allowDiskUse',
  hint: 'hint',
  collation: 'collation',
  ignored: 'bypassDocumentValidation',
});

export const aggregate = command({
  fields: AGGREGATE,
  async run(args, context) {
    if (!args.cursor) throw failedToParse("The 'cursor' option is required");
    context.info.opcounters.command += 1;
    const { batchSize } = parseFields('aggregate.cursor', CURSOR, args.cursor);
    const { target, engine, cursors } = context;
    const { find, pipeline, pipelineContext } = prepareAggregate(args, context);
    if (typeof target !== 'string') {
      const code = asNumber(target) === 1 ? 'InvalidNamespace' : 'FailedToParse';
      throw new CommandError(code, 'the aggregate field must be a collection name for this pipeline');
    }
    const ns = namespaceOf(context);
    const prepared = prepareFind(engine.catalog.get(ns), find, pipelineContext);
    const { counting, terminal } = pipeline;
    let results: Iterable<BDoc>;
    if (counting) {
      let count = 0;
      await readAll(prepared.count(), context.deadline, (some) => (count += some));
      results = count > 0 ? [counting.result(count)] : [];
    } else results = pipeline.rest(documentsOf(prepared.run(), context));
    if (terminal) {
      await writeOutput(context, terminal, results);
      results = [];
    }
    return cursors.open(ns, results, context, { batchSize });
  },
});

/** A compiled pipeline with the read that feeds it: its leading `$match`, `$sort` and `$limit`, for the planner. */
export function prepareAggregate(
  { pipeline: stages, hint, allowDiskUse, ...args }: Args<typeof AGGREGATE>,
  context: CommandContext,
): { find: FindQuery; pipeline: Pipeline; pipelineContext: PipelineContext } {
  const { engine, db } = context;
  const joined: PipelineContext['find'] = (name, query, ctx) =>
    documentsOf(prepareFind(engine.catalog.get(`${db}.${name}`), query, ctx).run(), context);
  const pipelineContext = Object.assign(evalContext(args.let), { db, find: joined });
  const pipeline = compilePipeline(required(stages, 'aggregate.pipeline'), pipelineContext);
  const find = { ...pipeline.read, ...pipeline.counting?.cut, hint, allowDiskUse };
  return { find, pipeline, pipelineContext };
}

function* documentsOf(reading: Reading<Found>, context: CommandContext): Generator<BDoc> {
  for (const one of reading) {
    if (one) yield one.doc;
    else checkDeadline(context.deadline);
  }
}

const TARGET = fields({ string: 'db coll' });
const MERGE = fields({ any: 'into on whenMatched', string: 'whenNotMatched' });

/** Writes the documents of a pipeline where its `$out` or `$merge` says. */
function writeOutput(
  context: CommandContext,
  { name, spec }: NamedStage,
  results: Iterable<BDoc>,
): Promise<void> {
  const { engine, body, db } = context;
  const concern = body.get('readConcern');
  // Such a read waits for the primary's own no-op, which a write in the same command would contradict.
  if (concern instanceof BDoc && concern.get('level') === 'linearizable')
    throw new CommandError('InvalidOptions', `${name} takes no read concern 'linearizable'`);
  const documents = [...results];
  if (name === '$merge') return engine.queue.run(() => merge(context, spec, documents));
  return engine.queue.run(() => replaceCollection(engine, targetOf('$out', spec, db), documents));
}

/** Fills a collection aside and puts it in the place of the old one at the end; the indexes of the old one are kept. */
function* replaceCollection(engine: Engine, ns: string, documents: BDoc[]): WriteSteps<void> {
  const aside = engine.createCollection(`${ns.split('.')[0]}.${ASIDE}${new UUID().toHexString(false)}`);
  try {
    for (const { spec } of engine.catalog.get(ns)?.indexes.slice(1) ?? [])
      engine.catalog.addIndex(aside, spec, 'ready');
    for (const document of documents) {
      engine.writes.insert(aside, document);
      yield;
      if (aside.dropped) throw killed(aside.ns);
    }
    engine.renameCollection(aside, ns);
  } catch (error) {
    const left = engine.catalog.get(aside.ns);
    if (error instanceof CommandError && left) engine.dropCollection(left);
    throw error;
  }
}

const ASIDE = 'tmp.agg_out.';

/** Drops what was filled aside when the process was killed. */
export async function dropUnfinishedOutput(engine: Engine): Promise<void> {
  const isAside = (name: string): boolean => name.startsWith(ASIDE) && UUID.isValid(name.slice(ASIDE.length));
  for (const one of engine.catalog.list())
    if (isAside(one.name)) await engine.queue.once(() => engine.dropCollection(one));
}

/** The namespace that `$out` or `$merge` writes to. Only `$merge` may name a collection in an object without its database. */
function targetOf(stage: '$out' | '$merge', spec: BValue, db: string): string {
  const out = stage === '$out';
  const target: Args<typeof TARGET> =
    typeof spec === 'string'
      ? { db, coll: spec }
      : parseFields(stage, TARGET, expectDocument(spec, out ? 16990 : 51178, `the target of ${stage}`));
  const into = out ? required(target.db, '$out.db') : (target.db ?? db);
  if (/^(admin|config|local)$/.test(into))
    throw new CommandError(out ? 31321 : 31320, `${stage} cannot write to the internal database '${into}'`);
  const name = required(target.coll, `${stage}.coll`);
  checkCollectionName(into, name);
  return `${into}.${name}`;
}

/** What becomes of a document that is there already. `keepExisting` and `fail` must only find out whether it is. */
const WHEN_MATCHED = new Map<BValue, (document: BDoc) => BDoc | BValue[]>([
  ['replace', (document) => document],
  ['merge', (document) => BDoc.of(['$set', document])],
  ['keepExisting', () => []],
  ['fail', () => []],
]);

function* merge(context: CommandContext, spec: BValue, documents: BDoc[]): WriteSteps<void> {
  const { engine } = context;
  const options = typeof spec === 'string' ? BDoc.of(['into', spec]) : spec;
  const args = parseFields('$merge', MERGE, expectDocument(options, 'TypeMismatch', '$merge'));
  const { on = '_id', whenMatched = 'merge', whenNotMatched = 'insert' } = args;
  const ns = targetOf('$merge', required(args.into, '$merge.into'), context.db);
  if (on !== '_id') throw unsupported('$merge on fields other than _id');
  if (Array.isArray(whenMatched)) throw unsupported('$merge with a pipeline as whenMatched');
  const changed = WHEN_MATCHED.get(whenMatched);
  if (!changed || !['insert', 'discard', 'fail'].includes(whenNotMatched))
    throw badValue('$merge.whenMatched or whenNotMatched is none of the known actions');
  if ((whenMatched === 'keepExisting' || whenMatched === 'fail') && whenNotMatched !== 'insert')
    throw new CommandError(51181, `whenMatched '${whenMatched}' goes only with whenNotMatched 'insert'`);
  const common = { kind: 'update' as const, ns, context: evalContext() };
  for (const document of documents) {
    const id = document.get('_id');
    let n = 0;
    // A document without an _id gets a new one and so is never there already.
    if (id !== undefined) {
      const filter = BDoc.of(['_id', BDoc.of(['$eq', id])]);
      n = (yield* runStatement(engine, { ...common, filter, update: changed(document) })).n;
    }
    if (n > 0 && whenMatched === 'fail')
      throw new CommandError('DuplicateKey', `$merge found a document in ${ns}, and whenMatched is 'fail'`);
    if (n === 0 && whenNotMatched === 'fail')
      throw new CommandError(13113, `$merge could not find a matching document in ${ns}`);
    if (n === 0 && whenNotMatched === 'insert') engine.writes.insert(engine.collectionForWrite(ns), document);
    yield;
  }
}
