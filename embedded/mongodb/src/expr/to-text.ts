import { BSONSymbol, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import type { BValue } from '../bson/values.js';

/** A scalar as text; `undefined` for what has no text form. */
export function toText(value: BValue): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return numberText(value);
  }
  if (value instanceof Double) return numberText(value.value);
  if (value instanceof Decimal128) return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (value instanceof ObjectId) return value.toHexString();
  if (value instanceof BSONSymbol) return value.value;
  if (value instanceof Timestamp) return `Timestamp(${value.t}, ${value.i})`;
  return undefined;
}

function numberText(value: number): string {
  if (value === Infinity) return 'Infinity';
  if (value === -Infinity) return '-Infinity';
  return Object.is(value, -0) ? '-0' : String(value);
}
