import { Binary } from 'bson';
import { identical } from '../bson/compare.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { checkCollectionName, splitNamespace } from '../catalog/collection.js';
import { CommandError, unsupported } from '../errors.js';
import { prepareFind } from '../query/find.js';
import type { WriteSteps } from '../storage/write-queue.js';
import { collMod, create, drop, dropDatabase, renameCollection } from './collections.js';
import { defineCommand, evalContextOf } from './context.js';
import type { Command, CommandContext } from './context.js';
import { dropIndexes } from './indexes.js';
import { parseFields, required } from './schema.js';
import { first } from './update-statement.js';

/** An entry of an oplog. What says when and by whom it was written does not matter to its effect. */
const ENTRY = {
  op: 'string',
  ns: 'string',
  o: 'doc',
  o2: 'doc',
  ui: 'any',
  ts: 'ignored',
  t: 'ignored',
  h: 'ignored',
  v: 'ignored',
  wall: 'ignored',
  b: 'ignored',
  fromMigrate: 'ignored',
  lsid: 'ignored',
  txnNumber: 'ignored',
  stmtId: 'ignored',
  prevOpTime: 'ignored',
} as const;

const COMMANDS = new Map(
  [create, drop, dropDatabase, renameCollection, collMod, dropIndexes].map((one) => [one.name, one]),
);

/** Replays entries of an oplog, as `mongorestore --oplogReplay` does. Each is a decision of its own and may be repeated. */
export const applyOps = defineCommand({
  name: 'applyOps',
  adminOnly: true,
  writes: true,
  help: 'replays entries of an oplog',
  schema: {
    alwaysUpsert: 'bool',
    allowAtomic: 'ignored',
    bypassDocumentValidation: 'ignored',
    oplogApplicationMode: 'refused',
    preCondition: 'refused',
  } as const,
  async run(args, context) {
    if (!Array.isArray(context.target))
      throw new CommandError('TypeMismatch', "BSON field 'applyOps.applyOps' must be an array");
    if (args.alwaysUpsert === false) throw unsupported('applyOps with alwaysUpsert: false');
    const results: boolean[] = [];
    for (const entry of context.target) {
      if (!(entry instanceof BDoc))
        throw new CommandError('FailedToParse', 'the entries of applyOps must be documents');
      await apply(parseFields('applyOps', ENTRY, entry), context);
      results.push(true);
    }
    return BDoc.of(['applied', results.length], ['results', results]);
  },
});

type Entry = ReturnType<typeof parseFields<typeof ENTRY>>;

async function apply(entry: Entry, context: CommandContext): Promise<void> {
  const op = required(entry.op, 'applyOps.op');
  if (op === 'n') return;
  const ns = required(entry.ns, 'applyOps.ns');
  const object = required(entry.o, 'applyOps.o');
  if (op === 'c') return applyCommand(splitNamespace(ns)[0], object, context);
  checkCollectionName(...splitNamespace(ns));
  checkUuid(ns, entry.ui, context);
  if (object.keys()[0]?.startsWith('$')) throw unsupported('an oplog entry with a partial update');
  const id = (op === 'u' ? required(entry.o2, 'applyOps.o2') : object).get('_id');
  if (id === undefined) throw new CommandError('FailedToParse', `an oplog entry '${op}' needs an _id`);
  // Indexes go by `_id`: a document that exchanged it in place could not be found again.
  if (op === 'u' && !identical(object.get('_id'), id))
    throw new CommandError('ImmutableField', "an oplog entry 'u' needs the same _id in o and o2");
  if (op !== 'i' && op !== 'u' && op !== 'd')
    throw new CommandError('FailedToParse', `expected the op i, u, d, c or n, got '${op}'`);
  await context.engine.queue.run(() => write(context, ns, id, op === 'd' ? null : object));
}

/** Puts a document in the place of the one with its `_id`, or removes that one. */
// oxlint-disable-next-line require-yield -- one document is one step
function* write(context: CommandContext, ns: string, id: BValue, after: BDoc | null): WriteSteps<void> {
  const { engine } = context;
  const filter = BDoc.of(['_id', BDoc.of(['$eq', id])]);
  const found = first(
    prepareFind(engine.catalog.get(ns), { filter, limit: 1 }, evalContextOf(context)),
    engine,
  );
  if (!after && !found) return;
  const collection = engine.collectionForWrite(ns);
  if (!found) engine.writes.insert(collection, after as BDoc, true);
  else if (!after) engine.writes.delete(collection, found.rid, found.doc);
  else if (!identical(found.doc, after)) engine.writes.update(collection, found.rid, found.doc, after);
}

/** An entry that names its collection by UUID concerns that one only. */
function checkUuid(ns: string, uuid: BValue | undefined, { engine }: CommandContext): void {
  if (uuid === undefined) return;
  const collection = engine.catalog.get(ns);
  const same = collection && uuid instanceof Binary && Buffer.from(uuid.value()).equals(collection.uuid);
  if (!same) throw new CommandError('NamespaceNotFound', `no collection ${ns} has the UUID of the entry`);
}

async function applyCommand(db: string, body: BDoc, context: CommandContext): Promise<void> {
  const [name, target] = body.entries()[0] ?? ['', null];
  const command: Command | undefined = COMMANDS.get(name);
  if (!command) throw unsupported(`an oplog entry with the command '${name}'`);
  if (name === 'create' && typeof target === 'string' && context.engine.catalog.get(`${db}.${target}`))
    return;
  const args = parseFields(name, command.schema, body, { sequences: new Map() });
  await command.run(args, { ...context, name, db, target, body });
}
