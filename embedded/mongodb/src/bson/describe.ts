import { Decimal128, Double, ObjectId } from 'bson';
import { typeName } from './type-of.js';
import { BDoc, type BValue } from './values.js';

/** A value as error messages show it, in the manner of MongoDB. Long values are cut. */
export function describe(value: BValue | undefined): string {
  const text = render(value);
  return text.length > 500 ? `${text.slice(0, 500)}...` : text;
}

function render(value: BValue | undefined): string {
  if (value === undefined) return 'MISSING';
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof BDoc) {
    const fields = value.entries().map(([name, field]) => `${name}: ${render(field)}`);
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
  }
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(render).join(', ')} ]`;
  if (value instanceof Double) return value.value.toFixed(1);
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' && value !== null && !(value instanceof Decimal128)
    ? typeName(value)
    : String(value);
}
