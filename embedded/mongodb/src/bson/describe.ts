import { Binary, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import { typeName } from './type-of.js';
import { BDoc, type BValue } from './values.js';

/** A value as error messages show it. Long values are cut. */
export function describe(value: BValue | undefined): string {
  const text = value === undefined ? 'MISSING' : shellText(value);
  return text.length > 500 ? `${text.slice(0, 500)}...` : text;
}

/** A value as MongoDB's shell prints it inside a message. */
export function shellText(value: BValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (value instanceof Double) return value.value.toFixed(1);
  if (value instanceof Decimal128) return value.toString();
  if (value instanceof Binary) return `BinData(${value.sub_type}, ${value.toString('hex').toUpperCase()})`;
  if (value instanceof Timestamp)
    return `Timestamp(${value.getHighBitsUnsigned()}, ${value.getLowBitsUnsigned()})`;
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(shellText).join(', ')} ]`;
  if (!(value instanceof BDoc)) return typeName(value);
  const fields = value.entries().map(([name, field]) => `${name}: ${shellText(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
