import { Binary, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import { describe } from '../bson/describe.js';
import { keyString } from '../bson/keystring.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { Index } from '../catalog/index.js';
import { CommandError } from '../errors.js';
import { keyTuples } from '../query/index-keys.js';

/** Error 11000 with the text that drivers and applications parse. In an array field it names the element that collided. */
export function duplicateKey(ns: string, index: Index, doc: BDoc, key: Buffer): CommandError {
  const { spec, paths, directions } = index;
  const split = paths.map((path) => path.split('.'));
  const tuple = keyTuples(doc, split).tuples.find((one) => keyString(one, directions).equals(key)) ?? [];
  const keyValue = BDoc.from([...paths], tuple);
  return new CommandError(
    'DuplicateKey',
    `E11000 duplicate key error collection: ${ns} index: ${spec.name} dup key: ${shellText(keyValue)}`,
    { keyPattern: spec.key, keyValue },
  );
}

/** A value as MongoDB's shell prints it inside a message. */
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
  if (!(value instanceof BDoc)) return describe(value);
  const fields = value.entries().map(([name, field]) => `${name}: ${shellText(field)}`);
  return `{ ${fields.join(', ')} }`;
}
