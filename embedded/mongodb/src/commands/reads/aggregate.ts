import { compilePipeline } from '../../agg/pipeline.js';
import type { Pipeline } from '../../agg/pipeline.js';
import { BDoc } from '../../bson/values.js';
import { Cursor } from '../../cursor/cursor.js';
import { checkDeadline, readAll } from '../../cursor/turns.js';
import { CommandError } from '../../errors.js';
import type { PipelineContext } from '../../expr/context.js';
import { countFound } from '../../query/count.js';
import type { Found, Reading } from '../../query/find.js';
import { prepareFind } from '../../query/find.js';
import type { FindQuery, PreparedFind } from '../../query/find.js';
import { command, evalContextOf, namespaceOf } from '../command.js';
import type { CommandContext } from '../command.js';
import { fields, parseFields, required } from '../schema.js';
import type { Args } from '../schema.js';
import { writeOutput } from '../writes/output.js';

export const AGGREGATE = fields({
  array: ['pipeline'],
  doc: ['cursor', 'let'],
  bool: ['allowDiskUse'],
  hint: ['hint'],
  collation: ['collation'],
  refused: ['explain', 'fromMongos', 'exchange'],
  ignored: ['bypassDocumentValidation'],
});
const CURSOR = fields({ count: ['batchSize'] });

export const aggregate = command({
  fields: AGGREGATE,
  async run(args, context) {
    if (!args.cursor) throw new CommandError('FailedToParse', "The 'cursor' option is required");
    context.info.count('command');
    const { batchSize } = parseFields('aggregate.cursor', CURSOR, args.cursor);
    const { find, source, pipeline, ns } = prepareAggregate(args, context);
    const { engine, cursors, deadline } = context;
    const { counting } = pipeline;
    if (counting) {
      let count = 0;
      const counts = countFound(engine.catalog.get(ns), find, source, engine.epoch);
      await readAll(counts, deadline, (some) => (count += some));
      const results = count > 0 ? [counting.result(count)] : [];
      return cursors.first(new Cursor(ns, results, context), deadline, { batchSize });
    }
    const input = found(source.run(engine.epoch), deadline);
    const results = pipeline.run(input, { match: true, sort: true });
    if (!pipeline.terminal) return cursors.first(new Cursor(ns, results, context), deadline, { batchSize });
    checkOutputReadConcern(context, pipeline.terminal.kind);
    await writeOutput(context, pipeline.terminal, [...results]);
    return cursors.first(new Cursor(ns, [], context), deadline, { batchSize });
  },
});

/** A compiled pipeline with the read that feeds it: its leading `$match`, `$sort` and `$limit`. */
interface PreparedAggregate {
  ns: string;
  find: FindQuery;
  source: PreparedFind;
  pipeline: Pipeline;
}

/** Compiles a pipeline and lets the planner serve what it starts with. */
export function prepareAggregate(
  { pipeline: stages, hint, allowDiskUse, ...args }: Args<typeof AGGREGATE.lists>,
  context: CommandContext,
): PreparedAggregate {
  const { engine, db, target } = context;
  const pipelineContext = pipelineContextOf(context, args.let);
  const pipeline = compilePipeline(required(stages, 'aggregate.pipeline'), pipelineContext);
  const find = {
    filter: pipeline.leadingMatch ?? BDoc.of(),
    sort: pipeline.leadingSort ?? undefined,
    skip: pipeline.counting?.skip,
    limit: pipeline.counting?.limit ?? pipeline.leadingLimit ?? undefined,
    hint,
    allowDiskUse,
  };
  const ns = typeof target === 'string' ? namespaceOf(context) : `${db}.$cmd.aggregate`;
  return { ns, find, source: prepareFind(engine.catalog.get(ns), find, pipelineContext), pipeline };
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

function pipelineContextOf(context: CommandContext, variables: BDoc | undefined): PipelineContext {
  const { engine, db, deadline } = context;
  const evalContext = evalContextOf(context, variables);
  const find = (name: string, filter: BDoc): Iterable<BDoc> =>
    found(
      prepareFind(engine.catalog.get(`${db}.${name}`), { filter }, evalContext).run(engine.epoch),
      deadline,
    );
  return Object.assign(evalContext, { db, find });
}

function* found(reading: Reading<Found>, deadline: number): Generator<BDoc> {
  for (const one of reading) {
    if (one) yield one.doc;
    else checkDeadline(deadline);
  }
}
