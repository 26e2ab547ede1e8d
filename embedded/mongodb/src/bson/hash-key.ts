import { Decimal128, Double, ObjectId } from 'bson';
import { decode } from './decimal.js';
import { keyString } from './keystring.js';
import { BDoc, type BValue } from './values.js';

/** A key for `Map` and `Set` that is the same for two values exactly when they are equal under `compare`. */
export type HashKey = string | number | boolean | null | undefined;

export function hashKey(value: BValue | undefined): HashKey {
  switch (typeof value) {
    case 'string':
      return `s${value}`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
      return exactNumber(Number(value), value) ?? hashBytes(value);
    default:
      if (value === null) return null;
      if (value instanceof ObjectId) return `o${value.toHexString()}`;
      if (value instanceof Double) return value.value;
      if (value instanceof Decimal128) return hashDecimal(value);
      if (value instanceof BDoc)
        return `d${value
          .entries()
          .map(([name, field]) => part(name) + part(hashKey(field)))
          .join('')}`;
      if (Array.isArray(value)) return `a${value.map((element) => part(hashKey(element))).join('')}`;
      return hashBytes(value);
  }
}

/** One piece of a longer key: it says its own length and type, so that no two lists of pieces read the same. */
function part(key: HashKey): string {
  return typeof key === 'string' ? `${key.length}:${key}` : `${String(key)};`;
}

/** The double, if it is exactly the integer. */
function exactNumber(number: number, integer: bigint): number | undefined {
  return BigInt(number) === integer ? number : undefined;
}

function hashDecimal(value: Decimal128): HashKey {
  const number = Number(value.toString());
  const { kind } = decode(value);
  if (kind !== 'finite') return number;
  // The KeyString of a decimal that a double holds exactly is the KeyString of that double.
  const bytes = keyString([value]);
  return keyString([number]).equals(bytes) ? number : `k${bytes.toString('latin1')}`;
}

function hashBytes(value: BValue): string {
  return textOfSymbol(value) ?? `k${keyString([value]).toString('latin1')}`;
}

/** Symbols equal strings. */
function textOfSymbol(value: BValue): string | undefined {
  const symbol = value as { _bsontype?: string; value?: string };
  return symbol._bsontype === 'BSONSymbol' ? `s${symbol.value}` : undefined;
}
