import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'bson';
import { TYPE, type TypeName } from './layout.js';
import { BDoc, DBPointer, Undefined, type BValue } from './values.js';

const BY_CLASS = new Map<unknown, TypeName>([
  [BDoc, 'object'],
  [Array, 'array'],
  [Date, 'date'],
  [ObjectId, 'objectId'],
  [Double, 'double'],
  [Decimal128, 'decimal'],
  [Binary, 'binData'],
  [Timestamp, 'timestamp'],
  [BSONRegExp, 'regex'],
  [BSONSymbol, 'symbol'],
  [DBPointer, 'dbPointer'],
  [Undefined, 'undefined'],
  [MinKey, 'minKey'],
  [MaxKey, 'maxKey'],
]);

/** The BSON type of a value, by the name that `$type` uses. */
export function typeName(value: BValue): TypeName {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return (value | 0) === value && !Object.is(value, -0) ? 'int' : 'double';
    case 'bigint':
      return 'long';
    case 'boolean':
      return 'bool';
    default:
      if (value === null) return 'null';
      if (value.constructor === Code) return (value as Code).scope ? 'javascriptWithScope' : 'javascript';
      return BY_CLASS.get(value.constructor) ?? foreign(value);
  }
}

function foreign(value: object): never {
  throw new TypeError(`expected a BSON value, got a ${value.constructor.name}`);
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

/** Missing, null and the deprecated undefined: what aggregation expressions treat as "no value". */
export function isNullish(value: BValue | undefined): value is null | undefined {
  return value === undefined || value === null || typeName(value) === 'undefined';
}

/** Number of a BSON type by its `$type` name; `undefined` for a name that does not exist. */
export function typeCode(name: string): number | undefined {
  return Object.hasOwn(TYPE, name) ? TYPE[name as TypeName] : undefined;
}
