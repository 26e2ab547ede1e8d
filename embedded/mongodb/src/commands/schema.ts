import { Decimal128, Double } from 'bson';
import { isNumber, typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported, type CodeName, failedToParse } from '../errors.js';
import { truthy } from '../expr/compiler.js';

/** What a field may hold: each kind checks a value and gives what the command gets. */
const KINDS = {
  string: (field: string, value: BValue) =>
    typeof value === 'string' ? value : wrongType(field, value, 'string'),
  bool: (field: string, value: BValue) =>
    typeof value === 'boolean' || isNumber(value) ? truthy(value) : wrongType(field, value, 'bool'),
  int: (field: string, value: BValue) => integer(value) ?? wrongType(field, value, 'int'),
  count: atLeast(0),
  positive: atLeast(1),
  doc: (field: string, value: BValue) => (value instanceof BDoc ? value : wrongType(field, value, 'object')),
  docs(field: string, value: BValue) {
    if (!Array.isArray(value)) return wrongType(field, value, 'array');
    for (const item of value) if (!(item instanceof BDoc)) wrongType(field, item, 'object');
    return value as BDoc[];
  },
  array: (field: string, value: BValue) => (Array.isArray(value) ? value : wrongType(field, value, 'array')),
  any: (_field: string, value: BValue) => value,
  /** An index name or a key pattern. */
  hint(field: string, value: BValue) {
    if (typeof value === 'string') return value;
    if (value instanceof BDoc) return value.size > 0 ? value : undefined;
    throw failedToParse(`${field} must be a string or an object`);
  },
  update(_field: string, value: BValue) {
    if (value instanceof BDoc || Array.isArray(value)) return value;
    throw failedToParse('Update argument must be either an object or an array');
  },
  /** Only the binary collation exists here; `{locale: 'simple'}` names it. */
  collation(_field: string, value: BValue) {
    if (value instanceof BDoc && (value.size === 0 || value.get('locale') === 'simple')) return undefined;
    throw unsupported('a collation');
  },
  ignored: () => undefined,
};
type Kind = keyof typeof KINDS;

function atLeast(min: number) {
  return (field: string, value: BValue): number => {
    const number = integer(value) ?? wrongType(field, value, 'int');
    if (number >= min) return number;
    throw new CommandError(51024, `BSON field '${field}' value must be >= ${min}, actual value '${number}'`);
  };
}
/** Of all others null means that the field is not there. */
const TAKES_NULL: Kind[] = ['any', 'hint', 'update'];

/** The names of fields by what they hold, separated by spaces. */
export type FieldLists = { readonly [K in Kind]?: string };

type Words<S> = S extends `${infer First} ${infer Rest}` ? First | Words<Rest> : S;
type KindOf<F, N> = { [K in keyof F]: N extends Words<F[K]> ? K : never }[keyof F] & Kind;

/** The fields of a command or statement by the schema that they were checked against. */
export type Args<S> =
  S extends Schema<infer F>
    ? {
        [N in Words<Exclude<F[Exclude<keyof F, 'ignored' | 'collation'>], undefined>> & string]?:
          ReturnType<(typeof KINDS)[KindOf<F, N>]> | undefined;
      }
    : never;

/** The fields that a document may have. */
export interface Schema<F extends FieldLists = FieldLists> {
  kinds: ReadonlyMap<string, Kind>;
  /** The error for a field that is not among them. */
  unknown: number | CodeName;
  lists?: F;
}

export function fields<const F extends FieldLists>(lists: F, unknown: number | CodeName = 40415): Schema<F> {
  const named = Object.entries(lists) as [Kind, string][];
  const kinds = new Map(named.flatMap(([kind, names]) => words(names).map((name) => [name, kind] as const)));
  return { kinds, unknown };
}

/** What a command that opens a cursor says of it. */
export const CURSOR = fields({ count: 'batchSize' });

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

/** Fields of MongoDB 8.0 that no command here has: they answer 115, an invented name answers 40415. */
const MISSING_FIELDS = new Set(
  words(`2dsphereIndexVersion bits blockConnection blockTimeMS c cappedMax cappedSize changeStreamPreAndPostImages
    clustered clusteredIndex collectionUUID columnstoreProjection constants default_language dropDups
    encryptedFields encryptionInformation exchange expireAfterSeconds explain failInternalCommands fromMongos
    internalClient language_override let max min oplogApplicationMode pipeline preCondition prepareUnique repair
    size stmtId stmtIds storageEngine textIndexVersion timeseries upsertSupplied validationAction validationLevel
    validator viewOn weights wildcardProjection`),
);

/** Checks a document inside a command. A name that MongoDB knows is 115, any other is the schema's error. */
export function parseFields<S extends Schema>(owner: string, schema: S, document: BValue): Args<S> {
  if (!(document instanceof BDoc)) return wrongType(owner, document, 'object');
  return parse(owner, schema, document.entries()) as Args<S>;
}

/** Checks a command, whose first field is its name, with the document sequences that came beside it. */
export function parseCommand<S extends Schema>(
  name: string,
  schema: S,
  body: BDoc,
  sequences: ReadonlyMap<string, BDoc[]> = new Map(),
): Args<S> {
  const isOwn = (field: string): boolean => schema.kinds.has(field) || !GENERIC_FIELDS.has(field);
  const own = body.entries().filter(([field], at) => at > 0 && isOwn(field));
  own.push(...sequences);
  return parse(name, schema, own) as Args<S>;
}

function parse(owner: string, { kinds, unknown }: Schema, entries: [string, BValue][]): object {
  const args: Record<string, unknown> = {};
  for (const [name, value] of entries) {
    const field = `${owner}.${name}`;
    const kind = kinds.get(name);
    if (!kind && MISSING_FIELDS.has(name)) throw unsupported(`the field '${field}'`);
    if (!kind) throw new CommandError(unknown, `BSON field '${field}' is an unknown field.`);
    if (Object.hasOwn(args, name))
      throw new CommandError(40413, `BSON field '${field}' is a duplicate field`);
    args[name] = value === null && !TAKES_NULL.includes(kind) ? undefined : KINDS[kind](field, value);
  }
  return args;
}

/** A field that the command cannot do without; missing is error 40414. */
export function required<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw new CommandError(40414, `BSON field '${name}' is missing but a required field`);
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
  const text = `BSON field '${field}' is the wrong type '${typeName(value)}', expected type '${expected}'`;
  throw new CommandError('TypeMismatch', text);
}
