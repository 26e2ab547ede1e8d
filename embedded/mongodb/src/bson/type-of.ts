import { type Code, Decimal128, Double } from 'bson';
import { TYPE, type TypeName } from './layout.js';
import type { BValue } from './values.js';

/** Types by the `_bsontype` of the classes of the bson package and of our own. */
const BY_BSON_TYPE: Readonly<Record<string, TypeName>> = {
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

/** The BSON type of a value, by the name that `$type` uses. */
export function typeName(value: BValue): TypeName {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return isInt(value) ? 'int' : 'double';
    case 'bigint':
      return 'long';
    case 'boolean':
      return 'bool';
    default:
      return value === null ? 'null' : classType(value);
  }
}

function classType(value: object): TypeName {
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  const type = BY_BSON_TYPE[(value as { _bsontype?: string })._bsontype ?? ''];
  if (!type) throw new TypeError(`expected a BSON value, got a ${value.constructor.name}`);
  return type === 'javascript' && (value as Code).scope ? 'javascriptWithScope' : type;
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
  return (
    value === undefined || value === null || (typeof value === 'object' && typeName(value) === 'undefined')
  );
}

/** Number of a BSON type by its `$type` name; `undefined` for a name that does not exist. */
export function typeCode(name: string): number | undefined {
  return Object.hasOwn(TYPE, name) ? TYPE[name as TypeName] : undefined;
}
