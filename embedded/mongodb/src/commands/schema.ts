import { Decimal128, Double } from 'bson';
import { typeName } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';

/** What a field of a command may hold. `refused` is a known MongoDB field that this server does not have. */
export type FieldKind =
  'string' | 'bool' | 'int' | 'long' | 'doc' | 'docs' | 'array' | 'any' | 'ignored' | 'refused';

export type Schema = Record<string, FieldKind>;

interface KindTypes {
  string: string;
  bool: boolean;
  int: number;
  long: bigint;
  doc: BDoc;
  docs: BDoc[];
  array: BValue[];
  any: BValue;
  ignored: never;
  refused: never;
}

/** The fields of a command by the schema that they were checked against. */
export type Args<S extends Schema> = { [K in keyof S]?: KindTypes[S[K]] };

/** Fields that every command takes; the dispatcher reads those that matter. */
export const GENERIC_FIELDS = new Set([
  '$db',
  'lsid',
  'txnNumber',
  '$clusterTime',
  '$readPreference',
  'comment',
  'maxTimeMS',
  'readConcern',
  'writeConcern',
  'startTransaction',
  'autocommit',
  'apiVersion',
  'apiStrict',
  'apiDeprecationErrors',
  '$audit',
  '$client',
  '$configServerState',
  'clientOperationKey',
  'mayBypassWriteBlocking',
  'maxTimeMSOpOnly',
  '$oplogQueryData',
]);

/** Checks a command, or with no `command` a document inside one, against its schema. An unknown field is error 40415. */
export function parseFields<S extends Schema>(
  owner: string,
  schema: S,
  document: BDoc,
  command?: { sequences: Map<string, BDoc[]> },
): Args<S> {
  const args: Record<string, unknown> = {};
  // The first field of a command is its name.
  for (const [field, value] of command ? document.entries().slice(1) : document.entries()) {
    const kind = Object.hasOwn(schema, field) ? schema[field] : undefined;
    if (kind === undefined) {
      if (command && GENERIC_FIELDS.has(field)) continue;
      throw new CommandError(40415, `BSON field '${owner}.${field}' is an unknown field.`);
    }
    if (Object.hasOwn(args, field))
      throw new CommandError(40413, `BSON field '${owner}.${field}' is a duplicate field`);
    if (kind !== 'ignored') args[field] = coerce(`${owner}.${field}`, kind, value);
  }
  for (const [field, documents] of command?.sequences ?? []) {
    if (schema[field] !== 'docs')
      throw new CommandError(40415, `BSON field '${owner}.${field}' is an unknown field.`);
    if (Object.hasOwn(args, field))
      throw new CommandError(40413, `BSON field '${owner}.${field}' is a duplicate field`);
    args[field] = documents;
  }
  return args as Args<S>;
}

/** A field that the command cannot do without; missing is error 40414. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined)
    throw new CommandError(40414, `BSON field '${name}' is missing but a required field`);
  return value;
}

function coerce(field: string, kind: FieldKind, value: BValue): unknown {
  switch (kind) {
    case 'refused':
      throw unsupported(`the field '${field}'`);
    case 'string':
      return typeof value === 'string' ? value : wrongType(field, value, 'string');
    case 'bool':
      return typeof value === 'boolean' ? value : (integer(value) ?? wrongType(field, value, 'bool')) !== 0;
    case 'int':
      return value === null ? undefined : (integer(value) ?? wrongType(field, value, 'int'));
    case 'long':
      return typeof value === 'bigint' ? value : BigInt(integer(value) ?? wrongType(field, value, 'long'));
    case 'doc':
      return value instanceof BDoc ? value : wrongType(field, value, 'object');
    case 'docs':
      if (!Array.isArray(value)) return wrongType(field, value, 'array');
      for (const [at, item] of value.entries())
        if (!(item instanceof BDoc)) wrongType(`${field}.${at}`, item, 'object');
      return value;
    case 'array':
      return Array.isArray(value) ? value : wrongType(field, value, 'array');
    default:
      return value;
  }
}

/** A number of any BSON type as a whole JavaScript number; undefined for anything else. */
export function integer(value: BValue): number | undefined {
  if (typeof value === 'number') return Math.trunc(value);
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Double) return Math.trunc(value.value);
  if (value instanceof Decimal128) return Math.trunc(Number(value.toString()));
  return undefined;
}

function wrongType(field: string, value: BValue, expected: string): never {
  throw new CommandError(
    'TypeMismatch',
    `BSON field '${field}' is the wrong type '${typeName(value)}', expected type '${expected}'`,
  );
}
