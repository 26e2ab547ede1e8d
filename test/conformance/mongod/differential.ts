import mongoose from 'mongoose';
import { RandomOperations } from './random-operations.js';

const { EJSON } = mongoose.mongo.BSON;
type Document = mongoose.mongo.Document;

/** What two servers answered to the same commands. */
export interface Comparison {
  operations: number;
  /** Commands that both carried out. */
  carriedOut: number;
  /** Commands that the second server refused as not supported: the first one's answer is not looked at. */
  refused: number;
  differences: string[];
}

interface Plan {
  operations: number;
  seed: number;
  /** Harm that the comparison must see; runs halfway. */
  disturb?: () => Promise<unknown>;
}

const DATABASE = 'differential';
const COLLECTION = 'c';
/** `CommandNotSupported`, and a regular expression that has no translation. */
const REFUSALS = [115, 51_091];
const MAX_DIFFERENCES = 20;

/** Sends the same random commands to both servers and compares every answer, and in the end all documents. */
export async function compareServers(
  reference: mongoose.mongo.MongoClient,
  candidate: mongoose.mongo.MongoClient,
  { operations, seed, disturb }: Plan,
): Promise<Comparison> {
  const result: Comparison = { operations: 0, carriedOut: 0, refused: 0, differences: [] };
  const random = new RandomOperations(seed, COLLECTION);
  for (const client of [reference, candidate]) await client.db(DATABASE).dropDatabase();
  const compare = async (command: Document): Promise<void> => {
    // The candidate first: what it refuses must not be done by the other.
    const got = await answerOf(candidate, command);
    if (REFUSALS.includes(got.code ?? 0)) {
      result.refused += 1;
      return;
    }
    const wanted = await answerOf(reference, command);
    if (wanted.code === undefined) result.carriedOut += 1;
    if (wanted.text === got.text) return;
    const asked = EJSON.stringify(command, { relaxed: false });
    result.differences.push(`operation ${result.operations}: ${asked}\n  ${wanted.text}\n  ${got.text}`);
  };
  while (result.operations < operations && result.differences.length < MAX_DIFFERENCES) {
    if (result.operations === Math.floor(operations / 2)) await disturb?.();
    await compare(random.next());
    result.operations += 1;
  }
  await compare({ find: COLLECTION, sort: { _id: 1 }, batchSize: 1_000 });
  return result;
}

/** The parts of an answer that do not differ from server to server or from run to run, as text. */
async function answerOf(
  client: mongoose.mongo.MongoClient,
  command: Document,
): Promise<{ text: string; code?: number }> {
  try {
    const reply = await client.db(DATABASE).command(command, { promoteValues: false });
    const { cursor, value, values, n, nModified, upserted, writeErrors } = reply;
    const documents = values ?? cursor?.firstBatch;
    // Without a sort the order of the answer is open.
    const ordered = command['sort'] !== undefined || command['pipeline']?.[1]?.$sort !== undefined;
    const texts = documents?.map((one: unknown) => textOf(one));
    const codes = writeErrors?.map(({ index, code }: Document) => `${textOf(index)} ${textOf(code)}`);
    return { text: textOf([n, nModified, upserted, codes, value, ordered ? texts : texts?.toSorted()]) };
  } catch (error) {
    if (!(error instanceof mongoose.mongo.MongoServerError)) throw error;
    return { text: `error ${error.code}`, code: Number(error.code) };
  }
}

const textOf = (value: unknown): string => EJSON.stringify({ value: value ?? null }, { relaxed: false });
