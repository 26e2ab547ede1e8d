import { BDoc } from '../bson/values.js';
import { validateBson } from '../bson/validate.js';
import type { Collection } from '../catalog/collection.js';
import type { Index } from '../catalog/index.js';
import { CommandError } from '../errors.js';
import { existing } from './collections.js';
import { defineCommand } from './context.js';

const CHUNK_ROWS = 256;
/** A damaged collection is described by its first so many problems. */
const MAX_PROBLEMS = 100;

/** Checks a collection both ways: every document against its indexes, every index entry against its document. */
export const validate = defineCommand({
  name: 'validate',
  help: 'checks the documents and indexes of a collection',
  schema: {
    full: 'bool',
    repair: 'refused',
    metadata: 'bool',
    checkBSONConformance: 'bool',
    background: 'bool',
  } as const,
  run(_args, context) {
    // Writes may come between two chunks; only a quiet queue gives a picture that can be compared both ways. The
    // collection is looked up in there too: it may be dropped before it is our turn.
    return context.engine.queue.run(function* () {
      const check = new Check(existing(context));
      check.run();
      yield;
      return check.reply();
    });
  },
});

class Check {
  private readonly errors: string[] = [];
  private readonly corrupt: number[] = [];
  private readonly keysPerIndex = new Map<Index, number>();
  private documents = 0;

  constructor(private readonly collection: Collection) {}

  run(): void {
    let bytes = 0;
    for (const { rid, bytes: document, intact } of this.rows()) {
      this.documents += 1;
      bytes += document.length;
      this.checkDocument(rid, document, intact);
    }
    for (const index of this.collection.readyIndexes) this.checkEntries(index);
    const { count, bytes: expected } = this.collection;
    if (count !== this.documents)
      this.problem(`the catalog counts ${count} documents, there are ${this.documents}`);
    if (expected !== bytes)
      this.problem(`the catalog counts ${expected} bytes of documents, there are ${bytes}`);
  }

  reply(): BDoc {
    const { collection } = this;
    const keys = [...this.keysPerIndex].map(([index, n]): [string, number] => [index.spec.name, n]);
    const valid = this.errors.length === 0;
    const details = collection.readyIndexes.map(({ spec }): [string, BDoc] => [
      spec.name,
      BDoc.of(['valid', valid]),
    ]);
    return BDoc.of(
      ['ns', collection.ns],
      ['nInvalidDocuments', this.corrupt.length],
      ['nrecords', this.documents],
      ['nIndexes', collection.readyIndexes.length],
      ['keysPerIndex', BDoc.of(...keys)],
      ['indexDetails', BDoc.of(...details)],
      ['valid', valid],
      ['repaired', false],
      ['warnings', []],
      ['errors', this.errors],
      ['corruptRecords', this.corrupt],
      ['extraIndexEntries', []],
      ['missingIndexEntries', []],
    );
  }

  private *rows(): Generator<{ rid: number; bytes: Buffer; intact: boolean }> {
    let after = 0;
    for (;;) {
      const rows = this.collection.records.scanUnverified(after, CHUNK_ROWS);
      yield* rows;
      if (rows.length < CHUNK_ROWS) return;
      after = rows.at(-1)?.rid ?? after;
    }
  }

  private checkDocument(rid: number, bytes: Buffer, intact: boolean): void {
    if (!intact || !isValid(bytes)) {
      this.corrupt.push(rid);
      this.problem(`document ${rid} is damaged on disk`);
      return;
    }
    const doc = BDoc.fromBytes(bytes);
    for (const index of this.collection.readyIndexes) {
      const { keys } = index.keysOf(doc);
      this.keysPerIndex.set(index, (this.keysPerIndex.get(index) ?? 0) + keys.length);
      const missing = keys.filter((key) => !index.table.has(key, rid)).length;
      if (missing > 0) this.problem(`index ${index.spec.name} lacks ${missing} entries of document ${rid}`);
    }
  }

  private checkEntries(index: Index): void {
    const entries = index.table.count();
    const expected = this.keysPerIndex.get(index) ?? 0;
    if (entries !== expected)
      this.problem(`index ${index.spec.name} has ${entries} entries, the documents make ${expected}`);
  }

  private problem(text: string): void {
    if (this.errors.length < MAX_PROBLEMS) this.errors.push(text);
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
