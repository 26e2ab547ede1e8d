import { BDoc, type BValue } from './values.js';

/** Whether two values have the same type and bytes: 5 and 5.0 are equal but not identical. */
export function identical(a: BValue | undefined, b: BValue | undefined): boolean {
  if (a === b) return !Object.is(a, -0) === !Object.is(b, -0);
  if (a === undefined || b === undefined || typeof a !== typeof b || a === null || b === null) return false;
  if (typeof a === 'number') return Number.isNaN(a) && Number.isNaN(b);
  if (typeof a !== 'object') return false;
  return bytesOf(a).equals(bytesOf(b));
}

function bytesOf(value: BValue): Buffer {
  return value instanceof BDoc ? value.toBytes() : BDoc.of(['', value]).toBytes();
}
