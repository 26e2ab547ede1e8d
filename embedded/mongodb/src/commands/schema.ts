import { Decimal128, Double } from 'bson';
import { typeName } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';

/** What a field may hold, and what a command then gets. */
interface Kinds {
  string: string;
  bool: boolean;
  int: number;
  /** A number that must not be negative (error 51024). */
  count: number;
  doc: BDoc;
  docs: BDoc[];
  array: BValue[];
  any: BValue;
  /** An index name or a key pattern. */
  hint: string | BDoc;
  /** Only the binary collation exists here; `{locale: 'simple'}` names it. */
  collation: never;
  ignored: never;
  /** A known MongoDB field that this server does not have: error 115. */
  refused: never;
}
type Kind = keyof Kinds;

/** The names of fields by what they hold. */
export type FieldLists = { readonly [K in Kind]?: readonly string[] };

type Read<F> = Exclude<keyof F, 'collation' | 'ignored' | 'refused'>;
type NameIn<F> = { [K in Read<F>]: F[K] extends readonly (infer N)[] ? N : never }[Read<F>] & string;
type KindIn<F, N> = {
  [K in Read<F>]: F[K] extends readonly (infer M)[] ? (N extends M ? K : never) : never;
}[Read<F>];

/** The fields of a command or statement by the schema that they were checked against. */
export type Args<F> = { [N in NameIn<F>]?: Kinds[KindIn<F, N> & Kind] };

/** The fields that a document may have. */
export interface Schema<F extends FieldLists = FieldLists> {
  kinds: ReadonlyMap<string, Kind>;
  lists: F;
}

export function fields<const F extends FieldLists>(lists: F): Schema<F> {
  const named = Object.entries(lists) as [Kind, readonly string[]][];
  const kinds = new Map(named.flatMap(([kind, names]) => names.map((name) => [name, kind] as const)));
  return { kinds, lists };
}

/** Names written in one string. */
export function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Fields that every command takes; the dispatcher reads those that matter. */
const GENERIC_FIELDS = new Set(
  words(`$db lsid txnNumber $clusterTime $readPreference comment maxTimeMS readConcern writeConcern
    startTransaction autocommit apiVersion apiStrict apiDeprecationErrors $audit $client $configServerState
    clientOperationKey mayBypassWriteBlocking maxTimeMSOpOnly $oplogQueryData`),
);

/** Checks a command, or with no `command` a document inside one, against its schema. An unknown field is error 40415. */
export function parseFields<F extends FieldLists>(
  owner: string,
  { kinds }: Schema<F>,
  document: BDoc,
  command?: { sequences: ReadonlyMap<string, BDoc[]> },
): Args<F> {
  const args: Record<string, unknown> = {};
  // The first field of a command is its name.
  for (const [field, value] of command ? document.entries().slice(1) : document.entries()) {
    const kind = kinds.get(field);
    if (!kind && command && GENERIC_FIELDS.has(field)) continue;
    if (!kind) throw unknownField(owner, field);
    if (Object.hasOwn(args, field)) throw duplicateField(owner, field);
    if (kind !== 'ignored') args[field] = coerce(`${owner}.${field}`, kind, value);
  }
  for (const [field, documents] of command?.sequences ?? []) {
    if (kinds.get(field) !== 'docs') throw unknownField(owner, field);
    if (Object.hasOwn(args, field)) throw duplicateField(owner, field);
    args[field] = documents;
  }
  return args as Args<F>;
}

function unknownField(owner: string, field: string): CommandError {
  return new CommandError(40415, `BSON field '${owner}.${field}' is an unknown field.`);
}

function duplicateField(owner: string, field: string): CommandError {
  return new CommandError(40413, `BSON field '${owner}.${field}' is a duplicate field`);
}

/** A field that the command cannot do without; missing is error 40414. */
export function required<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw new CommandError(40414, `BSON field '${name}' is missing but a required field`);
}

function coerce(field: string, kind: Kind, value: BValue): unknown {
  switch (kind) {
    case 'refused':
      throw unsupported(`the field '${field}'`);
    case 'collation':
      if (value instanceof BDoc && (value.size === 0 || value.get('locale') === 'simple')) return undefined;
      throw unsupported('a collation');
    case 'string':
      return typeof value === 'string' ? value : wrongType(field, value, 'string');
    case 'bool':
      return typeof value === 'boolean' ? value : (integer(value) ?? wrongType(field, value, 'bool')) !== 0;
    case 'int':
      return value === null ? undefined : (integer(value) ?? wrongType(field, value, 'int'));
    case 'count':
      return notNegative(field, value === null ? 0 : (integer(value) ?? wrongType(field, value, 'int')));
    case 'hint':
      if (value instanceof BDoc) return value.size > 0 ? value : undefined;
      if (typeof value === 'string') return value;
      throw new CommandError('FailedToParse', `${field} must be a string or an object`);
    case 'doc':
      return value instanceof BDoc ? value : wrongType(field, value, 'object');
    case 'docs':
      if (!Array.isArray(value)) return wrongType(field, value, 'array');
      for (const item of value) if (!(item instanceof BDoc)) wrongType(field, item, 'object');
      return value;
    case 'array':
      return Array.isArray(value) ? value : wrongType(field, value, 'array');
    default:
      return value;
  }
}

function notNegative(field: string, value: number): number {
  if (value >= 0) return value;
  throw new CommandError(51024, `BSON field '${field}' value must be >= 0, actual value '${value}'`);
}

/** A number of any BSON type as a whole JavaScript number; undefined for anything else. */
export function integer(value: BValue | undefined): number | undefined {
  if (typeof value === 'number') return Math.trunc(value);
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Double) return Math.trunc(value.value);
  if (value instanceof Decimal128) return Math.trunc(Number(value.toString()));
  return undefined;
}

function wrongType(field: string, value: BValue, expected: string): never {
  const actual = typeName(value);
  const text = `BSON field '${field}' is the wrong type '${actual}', expected type '${expected}'`;
  throw new CommandError('TypeMismatch', text);
}
