import type { TestSpec } from './spec-file.js';

/** Operations that version 7 of the official driver does not have, so that no server can be asked for them. */
const MISSING_OPERATIONS = new Set([
  'mapReduce',
  'listCollectionObjects',
  'listDatabaseObjects',
  'deleteByName',
  'renameByName',
]);

/** Tests of client behaviour that this driver does not have, by file. */
const GAPS: { file: string; test: RegExp; reason: string }[] = [
  {
    file: 'bypassDocumentValidation',
    test: /^(Aggregate|BulkWrite|FindOneAnd|InsertMany).*false$/,
    reason: 'the driver does not send bypassDocumentValidation: false',
  },
  {
    file: 'create-null-ids',
    test: /via (insertOne|insertMany|bulkWrite|clientBulkWrite)$/,
    reason: 'the driver replaces a null _id before it inserts',
  },
  {
    file: 'download',
    test: /^download when final chunk is missing$/,
    reason: 'the driver ends a GridFS download where the chunks end',
  },
  {
    file: 'run-command',
    test: /^run command with secondary read preference in client option/,
    reason: 'the driver waits for a secondary before it does anything, and one process has none',
  },
];

/** Why the driver cannot run a test; undefined when it can. */
export function driverGap(file: string, { description, operations }: TestSpec): string | undefined {
  const missing = operations.find(({ name }) => MISSING_OPERATIONS.has(name));
  if (missing) return `the driver has no ${missing.name}`;
  return GAPS.find((gap) => gap.file === file && gap.test.test(description))?.reason;
}
