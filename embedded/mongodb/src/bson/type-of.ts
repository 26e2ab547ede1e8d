import { type Code, Decimal128, Double, type ObjectId } from 'bson';
import type { TypeName } from './types.js';
import type { BValue } from './values.js';

/** The deprecated BSON type `undefined`. JavaScript's `undefined` means "no such field" everywhere in this server. */
export class Undefined {
  readonly _bsontype = 'Undefined';
}
export const UNDEFINED = new Undefined();

/** The deprecated BSON type DBPointer: a namespace and an id. */
export class DBPointer {
  readonly _bsontype = 'DBPointer';

  constructor(
    readonly ns: string,
    readonly id: ObjectId,
  ) {}
}

/** Wraps a double that would otherwise be taken for an Int32. */
export function double(value: number): number | Double {
  return (value | 0) === value && !Object.is(value, -0) ? new Double(value) : value;
}

/** Types by the `_bsontype` of the classes of the bson package and of our own. */
const BY_CLASS: Readonly<Record<string, TypeName>> = {
  BDoc: 'object',
  DBPointer: 'dbPointer',
  Undefined: 'undefined',
  ObjectId: 'objectId',
  Double: 'double',
  Decimal128: 'decimal',
  Binary: 'binData',
  Timestamp: 'timestamp',
  BSONRegExp: 'regex',
  BSONSymbol: 'symbol',
  Code: 'javascript',
  MinKey: 'minKey',
  MaxKey: 'maxKey',
};
const BY_TYPEOF: Readonly<Record<string, TypeName>> = { string: 'string', bigint: 'long', boolean: 'bool' };

/** The BSON type of a value. @throws TypeError for a value of a foreign class */
export function typeName(value: BValue): TypeName {
  if (typeof value === 'number') return isInt(value) ? 'int' : 'double';
  if (typeof value !== 'object') return BY_TYPEOF[typeof value]!;
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  const name = BY_CLASS[(value as { _bsontype?: string })._bsontype ?? ''];
  if (!name) throw new TypeError(`expected a BSON value, got a ${(value as object).constructor.name}`);
  return name === 'javascript' && (value as Code).scope ? 'javascriptWithScope' : name;
}

/** {@link typeName}, or `missing` for no value: the wording of the aggregation language. */
export function typeNameOrMissing(value: BValue | undefined): TypeName | 'missing' {
  return value === undefined ? 'missing' : typeName(value);
}

export type NumericValue = number | bigint | Double | Decimal128;

export function isNumber(value: BValue | undefined): value is NumericValue {
  if (typeof value === 'number' || typeof value === 'bigint') return true;
  return value instanceof Double || value instanceof Decimal128;
}

/** Whether a JavaScript number stands for an Int32. */
export function isInt(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value && !Object.is(value, -0);
}

/** Missing, null and the deprecated undefined: what aggregation expressions treat as "no value". */
export function isNullish(value: BValue | undefined): value is null | undefined {
  return value === undefined || value === null || value instanceof Undefined;
}
