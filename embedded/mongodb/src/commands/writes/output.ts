import { UUID } from 'bson';
import type { Pipeline } from '../../agg/pipeline.js';
import { BDoc, type BValue } from '../../bson/values.js';
import { CommandError, unsupported } from '../../errors.js';
import type { Engine } from '../../storage/engine.js';
import type { WriteSteps } from '../../storage/write-queue.js';
import { evalContextOf, type CommandContext } from '../command.js';
import { fields, parseFields, required, type Args } from '../schema.js';
import { runStatement, type Effect } from './statement.js';

const TARGET = fields({ string: 'db coll' });
const MERGE = fields({ any: 'into on whenMatched', string: 'whenNotMatched' });

/** Writes the documents of a pipeline where its `$out` or `$merge` says. */
export function writeOutput(
  context: CommandContext,
  { kind, spec }: NonNullable<Pipeline['terminal']>,
  documents: BDoc[],
): Promise<void> {
  const { engine } = context;
  if (kind === 'merge') return engine.queue.run(() => merge(context, spec, documents));
  return engine.queue.run(() => replaceCollection(engine, targetOf(spec, context.db), documents));
}

/** Fills a collection aside and puts it in the place of the old one at the end; the indexes of the old one are kept. */
function* replaceCollection(engine: Engine, ns: string, documents: BDoc[]): WriteSteps<void> {
  const aside = engine.createCollection(`${ns.split('.')[0]}.tmp.agg_out.${new UUID().toHexString(false)}`);
  try {
    for (const { spec } of engine.catalog.get(ns)?.indexes.slice(1) ?? [])
      engine.catalog.addIndex(aside, spec, 'ready');
    for (const document of documents) {
      engine.writes.insert(aside, document);
      yield;
    }
  } catch (error) {
    if (error instanceof CommandError) engine.dropCollection(aside);
    throw error;
  }
  engine.renameCollection(aside, ns);
}

function targetOf(spec: BValue, db: string): string {
  if (typeof spec === 'string') return `${db}.${spec}`;
  if (!(spec instanceof BDoc))
    throw new CommandError(16990, 'the output collection must be a string or an object');
  const target = parseFields('$out', TARGET, spec);
  return `${target.db ?? db}.${required(target.coll, '$out.coll')}`;
}

/** What becomes of a document that is there already. `keepExisting` and `fail` must only find out whether it is. */
const WHEN_MATCHED: Record<string, (document: BDoc) => BDoc | BValue[]> = {
  replace: (document) => document,
  merge: (document) => [BDoc.of(['$set', literals(document)])],
  keepExisting: () => [],
  fail: () => [],
};
const WHEN_NOT_MATCHED = ['insert', 'discard', 'fail'];

function literals(document: BDoc): BDoc {
  return BDoc.of(...document.entries().map(([name, value]) => [name, BDoc.of(['$literal', value])] as const));
}

function* merge(context: CommandContext, spec: BValue, documents: BDoc[]): WriteSteps<void> {
  const { engine } = context;
  const args: Args<typeof MERGE> = spec instanceof BDoc ? parseFields('$merge', MERGE, spec) : { into: spec };
  const { on = '_id', whenMatched = 'merge', whenNotMatched = 'insert' } = args;
  const ns = targetOf(required(args.into, '$merge.into'), context.db);
  if (on !== '_id') throw unsupported('$merge on fields other than _id');
  if (Array.isArray(whenMatched)) throw unsupported('$merge with a pipeline as whenMatched');
  const changed = typeof whenMatched === 'string' ? WHEN_MATCHED[whenMatched] : undefined;
  if (!changed || !WHEN_NOT_MATCHED.includes(whenNotMatched))
    throw new CommandError('BadValue', '$merge.whenMatched or whenNotMatched is none of the known actions');
  const evalContext = evalContextOf(context);
  const write = (document: BDoc): WriteSteps<Pick<Effect, 'n'>> => {
    const id = document.get('_id');
    const update = { filter: BDoc.of(['_id', BDoc.of(['$eq', id ?? null])]), update: changed(document) };
    return runStatement(engine, { kind: 'update', ns, ...update, context: evalContext });
  };
  for (const document of documents) {
    // A document without an _id gets a new one and so is never there already.
    const { n } = document.has('_id') ? yield* write(document) : { n: 0 };
    if (n > 0 && whenMatched === 'fail')
      throw new CommandError('DuplicateKey', `$merge found a document in ${ns}, and whenMatched is 'fail'`);
    if (n === 0 && whenNotMatched === 'fail')
      throw new CommandError(13113, `$merge could not find a matching document in ${ns}`);
    if (n === 0 && whenNotMatched === 'insert') engine.writes.insert(engine.collectionForWrite(ns), document);
    yield;
  }
}
