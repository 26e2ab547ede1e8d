import { Decimal128, Double, ObjectId } from 'bson';
import { compareNumbers } from './decimal.js';
import { keyString } from './keystring.js';
import { BDoc, type BValue } from './values.js';

/** A key for `Map` and `Set` that is the same for two values exactly when they are equal under `compare`. */
export type HashKey = string | number | boolean | null | undefined;

export function hashKey(value: BValue | undefined): HashKey {
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'bigint' || value instanceof Decimal128) return hashWide(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof ObjectId) return `o${value.toHexString()}`;
  if (value instanceof Double) return value.value;
  if (value instanceof BDoc) {
    return `d${value
      .entries()
      .map(([name, field]) => part(name) + part(hashKey(field)))
      .join('')}`;
  }
  if (Array.isArray(value)) return `a${value.map((element) => part(hashKey(element))).join('')}`;
  const symbol = value as { _bsontype?: string; value?: string };
  return symbol._bsontype === 'BSONSymbol' ? `s${symbol.value}` : hashBytes(value);
}

/** One piece of a longer key: it says its own length and type, so that no two lists of pieces read the same. */
function part(key: HashKey): string {
  return typeof key === 'string' ? `${key.length}:${key}` : `${String(key)};`;
}

/** The double, if one is exactly the value. */
function hashWide(value: bigint | Decimal128): HashKey {
  const number = Number(value.toString());
  return compareNumbers(number, value) === 0 ? number : hashBytes(value);
}

const hashBytes = (value: BValue): string => `k${keyString([value]).toString('latin1')}`;
