import { doc } from '../../bson/plain.js';
import { BDoc } from '../../bson/values.js';
import { failedToParse } from '../../errors.js';
import { evalContext } from '../../expr/expression.js';
import { compileProjection } from '../../query/projection.js';
import type { WriteSteps } from '../../storage/write-queue.js';
import { command, namespaceOf, type CommandContext } from '../command.js';
import { fields, type Args } from '../schema.js';
import { runStatement, type Statement } from './statement.js';

const FIELDS = fields({
  doc: 'query sort fields let',
  bool: 'remove new upsert bypassEmptyTsReplacement',
  update: 'update',
  docs: 'arrayFilters',
  hint: 'hint',
  collation: 'collation',
  ignored: 'bypassDocumentValidation',
});
type FindAndModify = Args<typeof FIELDS>;

export const findAndModify = command({
  writes: true,
  fields: FIELDS,
  run(args, context) {
    const statement = statementOf(context, args);
    return context.engine.queue.run(() => once(context, statement, args));
  },
});

function statementOf(context: CommandContext, args: FindAndModify): Statement {
  const { query: filter = BDoc.of(), hint, sort, update, upsert, arrayFilters } = args;
  const selection = { ns: namespaceOf(context), filter, hint, sort, context: evalContext(args.let) };
  if (args.remove && (update !== undefined || upsert || args.new || arrayFilters))
    throw failedToParse('Cannot specify remove together with update, upsert, new or arrayFilters');
  if (args.remove) return { ...selection, kind: 'delete' };
  if (update === undefined) throw failedToParse("Either an 'update' or 'remove' parameter must be specified");
  const literal = args.bypassEmptyTsReplacement;
  return { ...selection, kind: 'update', update, upsert, arrayFilters, literal };
}

/** A repeated `txnNumber` gets the recorded reply, returned document included. */
function* once(
  { retryable, engine }: CommandContext,
  statement: Statement,
  args: FindAndModify,
): WriteSteps<BDoc> {
  const earlier = retryable ? engine.retries.outcomes(retryable).get(0) : undefined;
  if (earlier) return earlier.clone();
  const shown = projectionOf(statement, args.fields);
  const effect = yield* runStatement(engine, statement);
  const value = shown(args.new ? effect.after : effect.before);
  const { n, before, upserted } = effect;
  const updatedExisting = statement.kind === 'delete' ? undefined : before !== null;
  const lastErrorObject = doc({ n, updatedExisting, upserted });
  const document = BDoc.of(['lastErrorObject', lastErrorObject], ['value', value]);
  if (retryable) engine.retries.add(retryable, 0, BDoc.fromBytes(document.toBytes()));
  return document;
}

function projectionOf(statement: Statement, spec: BDoc | undefined): (doc: BDoc | null) => BDoc | null {
  if (statement.kind === 'insert' || !spec || spec.size === 0) return (doc) => doc;
  const project = compileProjection(spec, statement.context);
  return (doc) => doc && project(doc);
}
