import { defineCommand, namespaceOf } from './context.js';
import { required } from './schema.js';
import { checkStatementCount, runStatements, writeReply } from './write-statements.js';

export const insert = defineCommand({
  name: 'insert',
  help: 'inserts documents',
  writes: true,
  schema: {
    documents: 'docs',
    ordered: 'bool',
    bypassDocumentValidation: 'ignored',
    bypassEmptyTsReplacement: 'bool',
    stmtId: 'ignored',
    stmtIds: 'array',
  } as const,
  async run(args, context) {
    const ns = namespaceOf(context);
    const documents = required(args.documents, 'insert.documents');
    checkStatementCount(documents.length);
    const { engine, info } = context;
    info.count('insert', documents.length);
    const result = await engine.queue.run(() =>
      runStatements(context, {
        count: documents.length,
        ordered: args.ordered ?? true,
        stmtIds: args.stmtIds,
        // oxlint-disable-next-line require-yield -- one insert is one step
        *apply(index) {
          const document = documents[index] as (typeof documents)[number];
          engine.writes.insert(engine.collectionForWrite(ns), document, args.bypassEmptyTsReplacement);
          return { n: 1 };
        },
      }),
    );
    return writeReply(result);
  },
});
