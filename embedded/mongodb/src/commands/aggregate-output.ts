import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import { uuidV4 } from '../catalog/uuid.js';
import { CommandError } from '../errors.js';
import type { Engine } from '../storage/engine.js';
import type { WriteSteps } from '../storage/write-queue.js';
import { evalContextOf } from './context.js';
import type { CommandContext } from './context.js';
import { parseFields, required } from './schema.js';
import { runUpdate } from './update-statement.js';

/** The last stage of a pipeline that writes. */
export interface Terminal {
  kind: 'out' | 'merge';
  spec: BValue;
}

/** Writes the documents of a pipeline where its `$out` or `$merge` says. */
export function writeOutput(
  context: CommandContext,
  { kind, spec }: Terminal,
  documents: BDoc[],
): Promise<void> {
  const { engine } = context;
  return kind === 'out'
    ? engine.queue.run(() => replaceCollection(engine, targetOf(spec, context.db), documents))
    : engine.queue.run(() => merge(context, mergeOf(spec, context.db), documents));
}

/** Fills a collection aside and puts it in the place of the old one at the end; the indexes of the old one are kept. */
function* replaceCollection(engine: Engine, ns: string, documents: BDoc[]): WriteSteps<void> {
  const aside = engine.createCollection(`${ns.split('.')[0]}.tmp.agg_out.${uuidV4().toString('hex')}`);
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
  const old = engine.catalog.get(ns);
  const from = aside.ns;
  if (old) engine.catalog.drop(old);
  engine.catalog.rename(aside, ns);
  engine.logCommand(aside.db, BDoc.of(['renameCollection', from], ['to', ns], ['dropTarget', true]), aside);
}

function targetOf(spec: BValue, db: string): string {
  if (typeof spec === 'string') return `${db}.${spec}`;
  if (!(spec instanceof BDoc))
    throw new CommandError(16990, 'the output collection must be a string or an object');
  const args = parseFields('$out', { db: 'string', coll: 'string', timeseries: 'refused' } as const, spec);
  return `${args.db ?? db}.${required(args.coll, '$out.coll')}`;
}

interface Merge {
  ns: string;
  on: string[];
  whenMatched: BValue;
  whenNotMatched: string;
  variables: BDoc | undefined;
}

const MATCHED = ['replace', 'keepExisting', 'merge', 'fail'];
const NOT_MATCHED = ['insert', 'discard', 'fail'];

function mergeOf(spec: BValue, db: string): Merge {
  const schema = {
    into: 'any',
    on: 'any',
    let: 'doc',
    whenMatched: 'any',
    whenNotMatched: 'string',
  } as const;
  const args = spec instanceof BDoc ? parseFields('$merge', schema, spec) : { into: spec };
  const { whenMatched = 'merge', whenNotMatched = 'insert' } = args;
  if (typeof whenMatched !== 'string' ? !Array.isArray(whenMatched) : !MATCHED.includes(whenMatched)) {
    throw new CommandError(
      'BadValue',
      `$merge.whenMatched must be a pipeline or one of ${MATCHED.join(', ')}`,
    );
  }
  if (!NOT_MATCHED.includes(whenNotMatched)) {
    throw new CommandError('BadValue', `$merge.whenNotMatched must be one of ${NOT_MATCHED.join(', ')}`);
  }
  return {
    ns: targetOf(required(args.into, '$merge.into'), db),
    on: [args.on ?? '_id'].flat().map(String),
    whenMatched,
    whenNotMatched,
    variables: args.let,
  };
}

function* merge(context: CommandContext, spec: Merge, documents: BDoc[]): WriteSteps<void> {
  const { engine } = context;
  const collection = engine.collectionForWrite(spec.ns);
  checkUniqueOn(collection, spec.on);
  for (const document of documents) {
    yield* mergeOne(context, spec, document);
    yield;
  }
}

function* mergeOne(context: CommandContext, spec: Merge, document: BDoc): WriteSteps<void> {
  const { engine } = context;
  const { ns, whenMatched, whenNotMatched } = spec;
  const filter = BDoc.of(
    ...spec.on.map((path): [string, BValue] => [path, BDoc.of(['$eq', valueOf(document, path)])]),
  );
  const update = changeFor(whenMatched, document);
  const evalContext = evalContextOf(context, spec.variables).with([['new', document]]);
  const { matched } = yield* runUpdate(engine, {
    ns,
    filter,
    update,
    multi: false,
    upsert: false,
    context: evalContext,
  });
  if (matched > 0) {
    if (whenMatched !== 'fail') return;
    throw new CommandError(
      'DuplicateKey',
      `$merge found a matching document in ${ns}, and whenMatched is 'fail'`,
    );
  }
  if (whenNotMatched === 'insert') engine.writes.insert(engine.collectionForWrite(ns), document);
  else if (whenNotMatched === 'fail') {
    throw new CommandError(
      13113,
      `$merge could not find a matching document in the target collection for at least one document`,
    );
  }
}

/** `keepExisting` and `fail` change nothing, but must find out whether there is a document. */
function changeFor(whenMatched: BValue, document: BDoc): BDoc | BValue[] {
  if (Array.isArray(whenMatched)) return whenMatched;
  if (whenMatched === 'replace') return document;
  if (whenMatched === 'merge') {
    const fields = document
      .entries()
      .map(([name, value]): [string, BValue] => [name, BDoc.of(['$literal', value])]);
    return [BDoc.of(['$set', BDoc.of(...fields)])];
  }
  return [];
}

function valueOf(document: BDoc, path: string): BValue {
  let value: BValue | undefined = document;
  for (const part of path.split('.')) value = value instanceof BDoc ? value.get(part) : undefined;
  if (value === undefined || value === null || Array.isArray(value)) {
    throw new CommandError(
      51132,
      `$merge write error: 'on' field '${path}' cannot be missing, null, undefined or an array`,
    );
  }
  return value;
}

function checkUniqueOn(collection: Collection, on: string[]): void {
  const wanted = [...on].sort().join('\0');
  const found = collection.readyIndexes.some(
    (index) => index.unique && !index.spec.partial && [...index.paths].sort().join('\0') === wanted,
  );
  if (!found)
    throw new CommandError(
      51183,
      `Cannot find index to verify that join fields will be unique: ${on.join(', ')}`,
    );
}
