import { BSON } from 'mongodb';
import type { Document } from 'mongodb';
import { RawConnection, rawSequence } from './raw-connection.js';
import type { Result } from './ring.js';
import type { ServerUnderTest } from './server-under-test.js';
import { jsonFiles } from './spec-file.js';

interface CorpusFile {
  valid?: { description: string; canonical_bson: string; degenerate_bson?: string }[];
  decodeErrors?: { description: string; bson: string }[];
  parseErrors?: { description: string }[];
}

const DATABASE = 'bson-corpus';
const INVALID_BSON = 22;

/** Valid documents come back byte for byte; documents that cannot be decoded are refused. */
export async function runCorpus(folder: string, server: ServerUnderTest): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name: file, text } of jsonFiles(folder)) {
    const corpus = JSON.parse(text) as CorpusFile;
    const add = async (test: string, run: () => Promise<void>): Promise<void> => {
      results.push({ folder: 'bson-corpus', file, test, ...(await outcomeOf(run)) });
    };
    for (const { description, canonical_bson: canonical, degenerate_bson: degenerate } of corpus.valid ??
      []) {
      await add(description, () => expectSurvival(server.port, canonical, [canonical]));
      if (degenerate)
        await add(`${description} (degenerate)`, () =>
          expectSurvival(server.port, degenerate, [degenerate, canonical]),
        );
    }
    for (const { description, bson } of corpus.decodeErrors ?? [])
      await add(description, () => expectRefusal(server.port, bson));
    for (const { description: test } of corpus.parseErrors ?? []) {
      const reason = 'Extended JSON is parsed by clients, not by the server';
      results.push({ folder: 'bson-corpus', file, test, status: 'skipped', reason });
    }
  }
  return results;
}

async function outcomeOf(run: () => Promise<void>): Promise<Pick<Result, 'status' | 'reason' | 'error'>> {
  try {
    await run();
    return { status: 'passed' };
  } catch (error) {
    return { status: 'failed', reason: (error as Error).message, error: error as Error };
  }
}

async function expectSurvival(port: number, sent: string, wanted: string[]): Promise<void> {
  const reply = await exchange(port, sent, async (connection) => {
    const found = await connection.command({ find: 'valid', filter: {}, $db: DATABASE });
    const { cursor } = parse(found);
    return Buffer.from((cursor.firstBatch as Buffer[])[0] ?? []);
  });
  const got = storedField(reply);
  if (!wanted.some((hex) => hex.toLowerCase() === got))
    throw new Error(`expected ${wanted.join(' or ')}, got ${got}`);
}

/** Sends one document, as field `v` of a document that is right otherwise, and lets `read` look at the result. */
async function exchange(
  port: number,
  hex: string,
  read: (connection: RawConnection) => Promise<Buffer>,
): Promise<Buffer> {
  const connection = await RawConnection.open(port);
  try {
    await connection.command({ drop: 'valid', $db: DATABASE });
    const inserted = await insert(connection, hex);
    if (inserted?.['n'] !== 1) throw new Error(`expected to be stored, got ${JSON.stringify(inserted)}`);
    return await read(connection);
  } finally {
    connection.close();
  }
}

async function expectRefusal(port: number, hex: string): Promise<void> {
  const connection = await RawConnection.open(port);
  try {
    const reply = await insert(connection, hex);
    if (reply?.['code'] !== INVALID_BSON)
      throw new Error(
        `expected error ${INVALID_BSON}, got ${JSON.stringify(reply ?? 'a closed connection')}`,
      );
  } finally {
    connection.close();
  }
}

async function insert(connection: RawConnection, hex: string): Promise<Document | undefined> {
  const document = wrapped(Buffer.from(hex, 'hex'));
  const command = { insert: 'valid', $db: DATABASE };
  const reply = await connection.command(command, rawSequence('documents', document));
  return reply && parse(reply);
}

const VALUE_FIELD = Buffer.from('\x03v\0', 'latin1');
const ID_FIELD = Buffer.from('\x10_id\0\x01\0\0\0', 'latin1');

/** `{_id: 1, v: <the document>}`. */
function wrapped(document: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(4), ID_FIELD, VALUE_FIELD, document, Buffer.from([0])]);
  bytes.writeInt32LE(bytes.length);
  return bytes;
}

function storedField(bytes: Buffer): string {
  return bytes.subarray(4 + ID_FIELD.length + VALUE_FIELD.length, -1).toString('hex');
}

function parse(reply: Buffer | undefined): Document {
  if (!reply) throw new Error('expected a reply, the server closed the connection');
  return BSON.deserialize(reply, { fieldsAsRaw: { firstBatch: true } });
}
