import { BDoc, type BValue } from './values.js';

/** A JavaScript literal: objects become documents. Not for stored data, because integer-like names would be reordered. */
export type Plain = BValue | Plain[] | { readonly [name: string]: Plain };

/** Builds a value from a literal. */
export function fromPlain(plain: Plain): BValue {
  if (Array.isArray(plain)) return plain.map(fromPlain);
  if (!isPlainObject(plain)) return plain as BValue;
  return doc(plain as { readonly [name: string]: Plain });
}

/** Builds a document from a literal; a field that is undefined is left out. */
export function doc(fields: { readonly [name: string]: Plain | undefined }): BDoc {
  const present = Object.entries(fields).filter((entry): entry is [string, Plain] => entry[1] !== undefined);
  return BDoc.of(...present.map(([name, value]) => [name, fromPlain(value)] as const));
}

/** The literal that {@link fromPlain} would make the value from. */
export function toPlain(value: BValue): Plain {
  if (Array.isArray(value)) return value.map(toPlain);
  if (!(value instanceof BDoc)) return value;
  return Object.fromEntries(value.entries().map(([name, field]) => [name, toPlain(field)]));
}

function isPlainObject(value: Plain): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
