import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { BSON } from 'mongodb';
import type { Document } from 'mongodb';

/** One step of a test. Source of all shapes here: MongoDB unified test format 1.2x. */
export interface OperationSpec {
  name: string;
  object: string;
  arguments?: Document;
  expectError?: Document;
  expectResult?: unknown;
  saveResultAsEntity?: string;
  ignoreResultAndError?: boolean;
}

export interface CollectionData {
  databaseName: string;
  collectionName: string;
  createOptions?: Document;
  documents: Document[];
}

export interface ExpectedEvents {
  client: string;
  eventType?: 'command' | 'cmap' | 'sdam';
  ignoreExtraEvents?: boolean;
  events: Document[];
}

export interface TestSpec {
  description: string;
  skipReason?: string;
  runOnRequirements?: Document[];
  operations: OperationSpec[];
  expectEvents?: ExpectedEvents[];
  outcome?: CollectionData[];
}

export interface SpecFile {
  description: string;
  schemaVersion: string;
  runOnRequirements?: Document[];
  createEntities?: Document[];
  initialData?: CollectionData[];
  tests: TestSpec[];
}

const ROOT = path.join(process.env['CONFORMANCE_DIR'] ?? '../shared/conformance', 'mongodb');

/** The folder of specification files, or undefined where this machine does not have it. */
export function specFolder(name: string): string | undefined {
  const folder = path.join(ROOT, name);
  return existsSync(folder) ? folder : undefined;
}

/** JSON files of a folder in name order, parsed with every BSON type kept: `1` is an Int32, not a number. */
export function readSpecFiles(folder: string): { name: string; spec: SpecFile }[] {
  return jsonFiles(folder).map(({ name, text }) => ({
    name,
    spec: withPlainSettings(BSON.EJSON.parse(text, { relaxed: false }) as SpecFile),
  }));
}

export function jsonFiles(folder: string): { name: string; text: string }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      name: path.basename(file, '.json'),
      text: readFileSync(path.join(folder, file), 'utf8'),
    }));
}

/** BSON numbers as JavaScript numbers: for options, which the driver reads itself. */
export function plainNumbers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainNumbers);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof BSON.Int32 || value instanceof BSON.Double) return value.value;
  if (value instanceof BSON.Long) return value.toNumber();
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainNumbers(item)]));
}

/** A document, as opposed to an array, a BSON value, a date, a buffer or a map. */
export function isPlainObject(value: unknown): value is Document {
  return Object.prototype.toString.call(value) === '[object Object]' && !('_bsontype' in (value as object));
}

function withPlainSettings(spec: SpecFile): SpecFile {
  if (spec.createEntities) spec.createEntities = plainNumbers(spec.createEntities) as Document[];
  return spec;
}
