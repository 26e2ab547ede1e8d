import { compilePipeline, type Pipeline } from '../../agg/pipeline.js';
import { BDoc } from '../../bson/values.js';
import { Cursor } from '../../cursor/cursor.js';
import { checkDeadline, readAll } from '../../cursor/turns.js';
import { CommandError } from '../../errors.js';
import type { PipelineContext } from '../../expr/context.js';
import { countFound } from '../../query/count.js';
import { prepareFind, type FindQuery, type Found, type Reading } from '../../query/find.js';
import { command, evalContextOf, namespaceOf, type CommandContext } from '../command.js';
import { fields, parseFields, required, type Args } from '../schema.js';
import { writeOutput } from '../writes/output.js';

export const AGGREGATE = fields({
  array: 'pipeline',
  doc: 'cursor let',
  bool: 'allowDiskUse',
  hint: 'hint',
  collation: 'collation',
  ignored: 'bypassDocumentValidation',
});
const CURSOR = fields({ count: 'batchSize' });

export const aggregate = command({
  fields: AGGREGATE,
  async run(args, context) {
    if (!args.cursor) throw new CommandError('FailedToParse', "The 'cursor' option is required");
    context.info.count('command');
    const { batchSize } = parseFields('aggregate.cursor', CURSOR, args.cursor);
    const { db, target, engine, cursors, deadline } = context;
    const { find, pipeline, pipelineContext } = prepareAggregate(args, context);
    const ns = typeof target === 'string' ? namespaceOf(context) : `${db}.$cmd.aggregate`;
    const collection = engine.catalog.get(ns);
    const prepared = prepareFind(collection, find, pipelineContext);
    const { counting } = pipeline;
    if (counting) {
      let count = 0;
      const counts = countFound(collection, find, prepared, engine.epoch);
      await readAll(counts, deadline, (some) => (count += some));
      const results = count > 0 ? [counting.result(count)] : [];
      return cursors.first(new Cursor(ns, results, context), deadline, { batchSize });
    }
    const input = documentsOf(prepared.run(engine.epoch), deadline);
    const results = pipeline.run(input, { match: true, sort: true });
    if (!pipeline.terminal) return cursors.first(new Cursor(ns, results, context), deadline, { batchSize });
    checkOutputReadConcern(context, pipeline.terminal.kind);
    await writeOutput(context, pipeline.terminal, [...results]);
    return cursors.first(new Cursor(ns, [], context), deadline, { batchSize });
  },
});

/** A compiled pipeline with the read that feeds it: its leading `$match`, `$sort` and `$limit`, for the planner. */
export function prepareAggregate(
  { pipeline: stages, hint, allowDiskUse, ...args }: Args<typeof AGGREGATE>,
  context: CommandContext,
): { find: FindQuery; pipeline: Pipeline; pipelineContext: PipelineContext } {
  const { engine, db, deadline } = context;
  const evalContext = evalContextOf(context, args.let);
  const joined: PipelineContext['find'] = (name, filter, ctx) => {
    const prepared = prepareFind(engine.catalog.get(`${db}.${name}`), { filter }, ctx);
    return documentsOf(prepared.run(engine.epoch), deadline);
  };
  const pipelineContext = Object.assign(evalContext, { db, find: joined });
  const pipeline = compilePipeline(required(stages, 'aggregate.pipeline'), pipelineContext);
  const { leadingMatch, leadingSort, leadingLimit, counting } = pipeline;
  const find = {
    filter: leadingMatch ?? BDoc.of(),
    sort: leadingSort ?? undefined,
    skip: counting?.skip,
    limit: counting?.limit ?? leadingLimit ?? undefined,
    hint,
    allowDiskUse,
  };
  return { find, pipeline, pipelineContext };
}

/** A linearizable read waits for the primary's own no-op, which a write in the same command would contradict. */
function checkOutputReadConcern({ body }: CommandContext, kind: string): void {
  const concern = body.get('readConcern');
  if (concern instanceof BDoc && concern.get('level') === 'linearizable')
    throw new CommandError(
      'InvalidOptions',
      `$${kind} cannot be used with a 'linearizable' read concern level`,
    );
}

function* documentsOf(reading: Reading<Found>, deadline: number): Generator<BDoc> {
  for (const one of reading) {
    if (one) yield one.doc;
    else checkDeadline(deadline);
  }
}
