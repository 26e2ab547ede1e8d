import { doc } from '../../bson/plain.js';
import { validateBson } from '../../bson/validate.js';
import { BDoc } from '../../bson/values.js';
import type { Collection } from '../../catalog/collection.js';
import type { Index } from '../../catalog/index.js';
import { CommandError } from '../../errors.js';
import { command, existing } from '../command.js';
import { fields } from '../schema.js';

const CHUNK_ROWS = 256;
/** A damaged collection is described by its first so many problems. */
const MAX_PROBLEMS = 100;

/** Checks a collection both ways: every document against its indexes, every index entry against its document. */
export const validate = command({
  // Writes between two chunks would spoil the comparison.
  exclusive: true,
  fields: fields({ ignored: 'full metadata checkBSONConformance background scandata enforceFastCount' }),
  run: (_args, context) => check(context.engine.writable(existing(context))),
});

function check(collection: Collection): BDoc {
  const { ns, readyIndexes, count, bytes: expectedBytes } = collection;
  const errors: string[] = [];
  const corruptRecords: number[] = [];
  const keys = new Map<Index, number>(readyIndexes.map((index) => [index, 0]));
  let nrecords = 0;
  let bytes = 0;
  for (const { rid, bytes: document, intact } of rows(collection)) {
    nrecords += 1;
    bytes += document.length;
    if (!intact || !isValid(document)) {
      corruptRecords.push(rid);
      errors.push(`document ${rid} is damaged on disk`);
      continue;
    }
    for (const index of readyIndexes) {
      const expected = index.keysOf(BDoc.fromBytes(document)).keys;
      keys.set(index, (keys.get(index) ?? 0) + expected.length);
      const missing = expected.filter((key) => !index.table.has(key, rid)).length;
      if (missing > 0) errors.push(`index ${index.spec.name} lacks ${missing} entries of document ${rid}`);
    }
  }
  for (const [index, expected] of keys) {
    const entries = index.table.count();
    if (entries !== expected)
      errors.push(`index ${index.spec.name} has ${entries} entries, the documents make ${expected}`);
  }
  if (count !== nrecords) errors.push(`the catalog counts ${count} documents, there are ${nrecords}`);
  if (expectedBytes !== bytes)
    errors.push(`the catalog counts ${expectedBytes} bytes of documents, there are ${bytes}`);
  return doc({
    ns,
    nInvalidDocuments: corruptRecords.length,
    nrecords,
    nIndexes: readyIndexes.length,
    keysPerIndex: BDoc.of(...[...keys].map(([{ spec }, n]) => [spec.name, n] as const)),
    valid: errors.length === 0,
    repaired: false,
    warnings: [],
    errors: errors.slice(0, MAX_PROBLEMS),
    corruptRecords,
  });
}

function* rows({ records }: Collection): Generator<{ rid: number; bytes: Buffer; intact: boolean }> {
  let after = 0;
  for (;;) {
    const chunk = records.scanUnverified(after, CHUNK_ROWS);
    yield* chunk;
    if (chunk.length < CHUNK_ROWS) return;
    after = chunk.at(-1)?.rid ?? after;
  }
}

function isValid(bytes: Buffer): boolean {
  try {
    validateBson(bytes);
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}
