import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { compileProjection } from '../query/projection.js';
import type { WriteSteps } from '../storage/write-queue.js';
import { checkCollation, defineCommand, evalContextOf, namespaceOf } from './context.js';
import type { CommandContext } from './context.js';
import { runDelete } from './delete.js';
import { hintOf } from './hint.js';
import type { Args } from './schema.js';
import { runUpdate } from './update-statement.js';
import { updateOf } from './update.js';

const SCHEMA = {
  query: 'doc',
  sort: 'doc',
  remove: 'bool',
  update: 'any',
  new: 'bool',
  fields: 'doc',
  upsert: 'bool',
  arrayFilters: 'docs',
  hint: 'any',
  let: 'doc',
  collation: 'doc',
  bypassDocumentValidation: 'ignored',
  bypassEmptyTsReplacement: 'bool',
  stmtId: 'ignored',
} as const;

type FamArgs = Args<typeof SCHEMA>;

export const findAndModify = defineCommand({
  name: 'findAndModify',
  aliases: ['findandmodify'],
  help: 'changes or removes one document and returns it',
  writes: true,
  schema: SCHEMA,
  run(args, context) {
    checkCollation(args.collation);
    if (args.remove && (args.update !== undefined || args.upsert || args.new)) {
      throw new CommandError('FailedToParse', 'Cannot specify remove together with update, upsert or new');
    }
    if (!args.remove && args.update === undefined) {
      throw new CommandError('FailedToParse', "Either an 'update' or 'remove' parameter must be specified");
    }
    return context.engine.queue.run(() => once(context, args));
  },
});

/** A repeated `txnNumber` gets the recorded reply, returned document included. */
function* once(context: CommandContext, args: FamArgs): WriteSteps<BDoc> {
  const { retryable, engine } = context;
  const earlier = retryable ? engine.retries.outcomes(retryable).get(0) : undefined;
  if (earlier) return earlier.clone();
  const reply = yield* modify(context, args);
  if (retryable) engine.retries.add(retryable, 0, BDoc.fromBytes(reply.toBytes()));
  return reply;
}

function* modify(context: CommandContext, args: FamArgs): WriteSteps<BDoc> {
  const { engine } = context;
  const evalContext = evalContextOf(context, args.let);
  const filter = args.query ?? BDoc.of();
  const project =
    args.fields && args.fields.size > 0 ? compileProjection(args.fields, evalContext, filter) : null;
  const shown = (doc: BDoc | null): BValue => (doc && project ? project(doc) : doc);
  const common = {
    ns: namespaceOf(context),
    filter,
    hint: hintOf(args.hint),
    sort: args.sort,
    multi: false,
    context: evalContext,
  };
  if (args.remove) {
    const { n, doc } = yield* runDelete(engine, common);
    return BDoc.of(['lastErrorObject', BDoc.of(['n', n])], ['value', shown(doc)]);
  }
  const effect = yield* runUpdate(engine, {
    ...common,
    update: updateOf(args.update as BValue),
    upsert: args.upsert ?? false,
    arrayFilters: args.arrayFilters,
    bypassEmptyTsReplacement: args.bypassEmptyTsReplacement,
  });
  const last = BDoc.of(['n', effect.upserted ? 1 : effect.matched], ['updatedExisting', effect.matched > 0]);
  if (effect.upserted) last.set('upserted', effect.upserted.get('_id') as BValue);
  return BDoc.of(['lastErrorObject', last], ['value', shown(args.new ? effect.after : effect.before)]);
}
