import { BSON } from 'mongodb';
import { isPlainObject } from './spec-file.js';

const { Int32, Long, Double, Decimal128 } = BSON;

/** Whether a value is of the BSON type that `$type` calls so. A JavaScript number may have been any type that fits. */
export function isBsonType(type: string, value: unknown): boolean {
  const test = TYPES[type];
  if (!test) throw new Error(`expected the name of a BSON type, got ${type}`);
  return test(value);
}

const isNumber = (value: unknown): value is number => typeof value === 'number';

const TYPES: Record<string, (value: unknown) => boolean> = {
  int: (value) => value instanceof Int32 || (isNumber(value) && (value | 0) === value),
  long: (value) => value instanceof Long || typeof value === 'bigint' || Number.isSafeInteger(value),
  double: (value) => value instanceof Double || isNumber(value),
  decimal: (value) => value instanceof Decimal128,
  number: (value) => ['int', 'long', 'double', 'decimal'].some((type) => isBsonType(type, value)),
  string: (value) => typeof value === 'string',
  object: isPlainObject,
  array: Array.isArray,
  binData: (value) => value instanceof BSON.Binary || Buffer.isBuffer(value),
  undefined: (value) => value === undefined,
  objectId: (value) => value instanceof BSON.ObjectId,
  bool: (value) => typeof value === 'boolean',
  date: (value) => value instanceof Date,
  null: (value) => value === null,
  regex: (value) => value instanceof RegExp || value instanceof BSON.BSONRegExp,
  dbPointer: (value) => value instanceof BSON.DBRef,
  javascript: (value) => value instanceof BSON.Code && value.scope === null,
  javascriptWithScope: (value) => value instanceof BSON.Code && value.scope !== null,
  symbol: (value) => value instanceof BSON.BSONSymbol,
  timestamp: (value) => value instanceof BSON.Timestamp,
  minKey: (value) => value instanceof BSON.MinKey,
  maxKey: (value) => value instanceof BSON.MaxKey,
};
