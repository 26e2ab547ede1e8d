import type { Binary, BSONRegExp, BSONSymbol, Code, ObjectId, Timestamp } from 'bson';
import { compareNumbers } from './decimal.js';
import type { TypeName } from './layout.js';
import { typeName } from './type-of.js';
import { BDoc, type BValue, type DBPointer } from './values.js';

/** Rank of each type in MongoDB's order between types; types of one rank compare by value. */
const RANK: Readonly<Record<TypeName, number>> = {
  minKey: -1,
  undefined: 0,
  null: 5,
  int: 10,
  long: 10,
  double: 10,
  decimal: 10,
  string: 15,
  symbol: 15,
  object: 20,
  array: 25,
  binData: 30,
  objectId: 35,
  bool: 40,
  date: 45,
  timestamp: 47,
  regex: 50,
  dbPointer: 55,
  javascript: 60,
  javascriptWithScope: 65,
  maxKey: 127,
};

/** {@link RANK} of a value. A missing value ranks with the deprecated `undefined`, below null. */
export function typeRank(value: BValue | undefined): number {
  if (typeof value === 'number') return 10;
  if (typeof value === 'string') return 15;
  return value === undefined ? 0 : RANK[typeName(value)];
}

/** Order of two values of one rank; types that are not here have one value only. */
const WITHIN_RANK: Readonly<Record<number, (a: never, b: never) => number>> = {
  10: compareNumbers,
  15: (a: string | BSONSymbol, b: string | BSONSymbol) => compareText(a.toString(), b.toString()),
  20: compareDocuments,
  25: compareLists,
  30: compareBinary,
  35: (a: ObjectId, b: ObjectId) => Buffer.compare(a.id, b.id),
  40: (a: boolean, b: boolean) => Number(a) - Number(b),
  45: (a: Date, b: Date) => a.getTime() - b.getTime(),
  47: (a: Timestamp, b: Timestamp) => a.compare(b),
  50: (a: BSONRegExp, b: BSONRegExp) =>
    compareText(a.pattern, b.pattern) || compareText(a.options, b.options),
  55: (a: DBPointer, b: DBPointer) =>
    Buffer.byteLength(a.ns) - Buffer.byteLength(b.ns) ||
    compareText(a.ns, b.ns) ||
    Buffer.compare(a.id.id, b.id.id),
  60: (a: Code, b: Code) => compareText(a.code, b.code),
  65: (a: Code, b: Code) => compareText(a.code, b.code) || compareDocuments(a.scope as BDoc, b.scope as BDoc),
};

/** MongoDB's order over all values: negative, 0 or positive. Missing comes before null, as in aggregation. */
export function compare(a: BValue | undefined, b: BValue | undefined): number {
  // Numbers and strings first, without a look at their types: sorting is mostly this.
  if (typeof a === 'number' && typeof b === 'number') {
    return a < b ? -1 : a > b ? 1 : a === b ? 0 : compareNumbers(a, b);
  }
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const rank = typeRank(a);
  const otherRank = typeRank(b);
  if (rank !== otherRank) return rank - otherRank;
  return (WITHIN_RANK[rank] as typeof compare | undefined)?.(a, b) ?? 0;
}

export function equal(a: BValue | undefined, b: BValue | undefined): boolean {
  return compare(a, b) === 0;
}

/** Whether two values have the same type and bytes: 5 and 5.0 are equal but not identical. */
export function identical(a: BValue | undefined, b: BValue | undefined): boolean {
  if (a === undefined || b === undefined || typeof a !== typeof b) return a === b;
  return a === null || typeof a !== 'object' ? Object.is(a, b) : bytesOf(a).equals(bytesOf(b!));
}

function bytesOf(value: BValue): Buffer {
  return value instanceof BDoc ? value.toBytes() : BDoc.of(['', value]).toBytes();
}

/** Order of the UTF-8 bytes. It differs from JavaScript's only where a surrogate pair meets U+E000..U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointOrder(x) - codePointOrder(y);
  }
  return a.length - b.length;
}

const codePointOrder = (unit: number): number =>
  unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;

function compareDocuments(a: BDoc, b: BDoc): number {
  const left = a.entries();
  const right = b.entries();
  for (let i = 0; i < left.length && i < right.length; i++) {
    const [aName, aValue] = left[i]!;
    const [bName, bValue] = right[i]!;
    const order = typeRank(aValue) - typeRank(bValue) || compareText(aName, bName) || compare(aValue, bValue);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareLists(a: BValue[], b: BValue[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compare(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareBinary(a: Binary, b: Binary): number {
  const left = a.buffer.subarray(0, a.position);
  const right = b.buffer.subarray(0, b.position);
  return left.length - right.length || a.sub_type - b.sub_type || Buffer.compare(left, right);
}
