import type { Db, Document, RunCommandCursor } from 'mongodb';
import { plainNumbers } from '../spec-file.js';
import type { Arguments } from './arguments.js';
import { openChangeStream, openCursor } from './cursor-operations.js';

type DatabaseOperation = (db: Db, args: Arguments) => Promise<unknown>;

export const databaseOperations: Record<string, DatabaseOperation> = {
  runCommand: (db, args) => {
    const command = namedCommand(args);
    return db.command(command, args.options());
  },
  runCursorCommand: (db, args) => commandCursor(db, args).toArray(),
  createCommandCursor: (db, args) => openCursor(commandCursor(db, args)),
  aggregate: (db, args) => db.aggregate(args.required<Document[]>('pipeline'), args.options()).toArray(),
  createCollection: async (db, args) => {
    await db.createCollection(args.required<string>('collection'), args.options());
  },
  dropCollection: (db, args) => db.dropCollection(args.required<string>('collection'), args.options()),
  modifyCollection: (db, args) => {
    const collMod = args.required<string>('collection');
    const { session, ...changes } = args.options();
    return db.command({ collMod, ...changes }, session ? { session } : {});
  },
  listCollections: (db, args) => db.listCollections(args.optional('filter') ?? {}, args.options()).toArray(),
  listCollectionNames: async (db, args) => {
    const filter = args.optional('filter') ?? {};
    const found = await db.listCollections(filter, { ...args.options(), nameOnly: true }).toArray();
    return found.map(({ name }) => name);
  },
  createChangeStream: (db, args) => openChangeStream(db, args),
};

/** The driver sends a command's first field as its name, so it comes first here whatever the test's order. */
function namedCommand(args: Arguments): Document {
  const name = args.required<string>('commandName');
  const command = args.required('command');
  return { [name]: command[name], ...command };
}

function commandCursor(db: Db, args: Arguments): RunCommandCursor {
  const command = namedCommand(args);
  const batchSize = args.optional('batchSize');
  const maxTimeMS = args.optional('maxTimeMS');
  const comment = args.optional('comment');
  const cursorType = args.optional<string>('cursorType');
  const tailing = { tailable: cursorType?.startsWith('tailable'), awaitData: cursorType === 'tailableAwait' };
  const cursor = db.runCursorCommand(command, {
    ...args.options(),
    ...(cursorType ? tailing : {}),
  } as Document);
  if (batchSize !== undefined) cursor.setBatchSize(plainNumbers(batchSize) as number);
  if (maxTimeMS !== undefined) cursor.setMaxTimeMS(plainNumbers(maxTimeMS) as number);
  if (comment !== undefined) cursor.setComment(comment);
  return cursor;
}
