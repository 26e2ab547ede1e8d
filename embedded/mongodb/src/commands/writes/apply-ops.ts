import { Binary } from 'bson';
import { identical } from '../../bson/keystring.js';
import { doc } from '../../bson/plain.js';
import { BDoc, type BValue } from '../../bson/values.js';
import { checkCollectionName, splitNamespace } from '../../catalog/collection.js';
import { CommandError, unsupported, failedToParse } from '../../errors.js';
import { evalContext } from '../../expr/expression.js';
import { collections, indexes } from '../collections/collections.js';
import { command, run, type CommandContext } from '../command.js';
import { fields, parseCommand, parseFields, required, type Args } from '../schema.js';
import { runStatement, type Statement } from './statement.js';

/** An entry of an oplog. What says when and by whom it was written does not matter to its effect. */
const ENTRY = fields({
  string: 'op ns',
  doc: 'o o2',
  any: 'ui',
  ignored: 'ts t h v wall b fromMigrate lsid txnNumber stmtId prevOpTime',
});

/** Replays entries of an oplog, as `mongorestore --oplogReplay` does. Each is a decision of its own and may be repeated. */
export const applyOps = command({
  adminOnly: true,
  writes: true,
  fields: fields({ bool: 'alwaysUpsert', ignored: 'allowAtomic bypassDocumentValidation' }),
  async run({ alwaysUpsert }, context) {
    const { target } = context;
    if (alwaysUpsert === false) throw unsupported('applyOps with alwaysUpsert: false');
    if (!Array.isArray(target))
      throw new CommandError('TypeMismatch', "BSON field 'applyOps.applyOps' must be an array");
    for (const entry of target) await apply(parseFields('applyOps', ENTRY, entry), context);
    return doc({ applied: target.length, results: target.map(() => true) });
  },
});

async function apply({ op, ui, o2, ...entry }: Args<typeof ENTRY>, context: CommandContext): Promise<void> {
  if (required(op, 'applyOps.op') === 'n') return;
  const ns = required(entry.ns, 'applyOps.ns');
  const object = required(entry.o, 'applyOps.o');
  if (op === 'c') return applyCommand(splitNamespace(ns)[0], object, context);
  checkCollectionName(...splitNamespace(ns));
  checkUuid(ns, ui, context);
  if (object.keys()[0]?.startsWith('$')) throw unsupported('an oplog entry with a partial update');
  const id = (op === 'u' ? required(o2, 'applyOps.o2') : object).get('_id');
  if (id === undefined) throw failedToParse(`an oplog entry '${op}' needs an _id`);
  // Indexes go by `_id`: a document that exchanged it in place could not be found again.
  if (op === 'u' && !identical(object.get('_id'), id))
    throw new CommandError('ImmutableField', "an oplog entry 'u' needs the same _id in o and o2");
  if (op !== 'i' && op !== 'u' && op !== 'd')
    throw failedToParse(`expected the op i, u, d, c or n, got '${op}'`);
  const selection = { ns, filter: BDoc.of(['_id', BDoc.of(['$eq', id])]), context: evalContext() };
  const statement: Statement =
    op === 'd'
      ? { ...selection, kind: 'delete' }
      : { ...selection, kind: 'update', update: object, upsert: true, literal: true };
  await context.engine.queue.run(() => runStatement(context.engine, statement));
}

/** An entry that names its collection by UUID concerns that one only. */
function checkUuid(ns: string, uuid: BValue | undefined, { engine }: CommandContext): void {
  if (uuid === undefined) return;
  const collection = engine.catalog.get(ns);
  const same = collection && uuid instanceof Binary && Buffer.from(uuid.value()).equals(collection.uuid);
  if (!same) throw new CommandError('NamespaceNotFound', `no collection ${ns} has the UUID of the entry`);
}

const COMMANDS = new Map(Object.entries({ ...collections, dropIndexes: indexes['dropIndexes'] }));

async function applyCommand(db: string, body: BDoc, context: CommandContext): Promise<void> {
  const [name, target] = body.entries()[0] ?? ['', null];
  const found = COMMANDS.get(name);
  if (!found) throw unsupported(`an oplog entry with the command '${name}'`);
  await run(found, parseCommand(name, found.fields, body), { ...context, name, db, target, body });
}
