import { describe } from '../bson/describe.js';
import { Binary, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { indexKeys } from '../query/index-keys.js';
import type { Index } from '../catalog/index.js';
import { CommandError } from '../errors.js';

/** Error 11000 with the text that drivers and applications parse. */
export function duplicateKey(ns: string, index: Index, doc: BDoc, key: Buffer): CommandError {
  const keyPattern = index.spec.key;
  const keyValue = BDoc.of(...valuesUnder(doc, keyPattern, key));
  const text = keyValue.entries().map(([path, value]) => `${path}: ${shellText(value)}`);
  return new CommandError(
    'DuplicateKey',
    `E11000 duplicate key error collection: ${ns} index: ${index.spec.name} dup key: { ${text.join(', ')} }`,
    { keyPattern, keyValue },
  );
}

/** The values that made the key: in an array field the element that collided. */
function valuesUnder(doc: BDoc, pattern: BDoc, key: Buffer): [string, BValue][] {
  const paths = pattern.keys();
  const candidates = paths.map((path) => candidatesAt(doc, path.split('.')));
  const chosen = paths.map((_, at) => candidates[at]?.[0] ?? null);
  for (const [at, options] of candidates.entries()) {
    const match = options.find((option) => {
      const values = paths.map((_, other) => (other === at ? option : (chosen[other] ?? null)));
      return indexKeys(nest(paths, values), pattern).keys.some((one) => one.equals(key));
    });
    if (match !== undefined) chosen[at] = match;
  }
  return paths.map((path, at) => [path, chosen[at] ?? null]);
}

function candidatesAt(value: BValue, parts: string[]): BValue[] {
  if (Array.isArray(value)) {
    const positional =
      parts.length > 0 && /^\d+$/.test(parts[0] as string) ? value[Number(parts[0])] : undefined;
    const inside = value.flatMap((item) =>
      item instanceof BDoc || parts.length === 0 ? candidatesAt(item, parts) : [],
    );
    return positional === undefined ? inside : [...candidatesAt(positional, parts.slice(1)), ...inside];
  }
  if (parts.length === 0) return [value];
  const child = value instanceof BDoc ? value.get(parts[0] as string) : undefined;
  return child === undefined ? [] : candidatesAt(child, parts.slice(1));
}

/** A document that holds each value at its dotted path. */
function nest(paths: string[], values: BValue[]): BDoc {
  const root = BDoc.of();
  for (const [at, path] of paths.entries()) setAt(root, path.split('.'), values[at] as BValue);
  return root;
}

function setAt(doc: BDoc, parts: string[], value: BValue): void {
  const [head, ...rest] = parts as [string, ...string[]];
  if (rest.length === 0) {
    doc.set(head, value);
    return;
  }
  const child = doc.get(head);
  const inner = child instanceof BDoc ? child : BDoc.of();
  setAt(inner, rest, value);
  doc.set(head, inner);
}

/** A value as MongoDB's shell prints it inside an error message. */
export function shellText(value: BValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (value instanceof Double)
    return Number.isInteger(value.value) ? `${value.value}.0` : String(value.value);
  if (value instanceof Decimal128) return value.toString();
  if (value instanceof Binary) return `BinData(${value.sub_type}, ${value.toString('hex').toUpperCase()})`;
  if (value instanceof Timestamp)
    return `Timestamp(${value.getHighBitsUnsigned()}, ${value.getLowBitsUnsigned()})`;
  if (Array.isArray(value)) return `[ ${value.map(shellText).join(', ')} ]`;
  if (value instanceof BDoc) {
    return `{ ${value
      .entries()
      .map(([name, field]) => `${name}: ${shellText(field)}`)
      .join(', ')} }`;
  }
  return describe(value);
}
