import type { Binary, BSONRegExp, BSONSymbol, Code, ObjectId, Timestamp } from 'bson';
import { compareNumbers } from './number-order.js';
import { typeName, type NumericValue } from './type-of.js';
import type { BDoc, BValue, DBPointer } from './values.js';

/** Rank of each type in MongoDB's order between types; types of one rank compare by value. */
const RANK = {
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
} as const;

/** {@link RANK} of a value. A missing value ranks with the deprecated `undefined`, below null. */
export function typeRank(value: BValue | undefined): number {
  if (typeof value === 'number') return 10;
  if (typeof value === 'string') return 15;
  return value === undefined ? 0 : RANK[typeName(value)];
}

/** MongoDB's order over all values: negative, 0 or positive. Missing comes before null, as in aggregation. */
export function compare(a: BValue | undefined, b: BValue | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') {
    return a < b ? -1 : a > b ? 1 : a === b ? 0 : Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  }
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const rank = typeRank(a);
  return rank - typeRank(b) || compareSameRank(rank, a as BValue, b as BValue);
}

export function equal(a: BValue | undefined, b: BValue | undefined): boolean {
  return compare(a, b) === 0;
}

function compareSameRank(rank: number, a: BValue, b: BValue): number {
  switch (rank) {
    case RANK.int:
      return compareNumbers(a as NumericValue, b as NumericValue);
    case RANK.string:
      return compareText(textOf(a as string | BSONSymbol), textOf(b as string | BSONSymbol));
    case RANK.object:
      return compareDocuments(a as BDoc, b as BDoc);
    case RANK.array:
      return compareArrays(a as BValue[], b as BValue[]);
    case RANK.binData:
      return compareBinary(a as Binary, b as Binary);
    case RANK.objectId:
      return Buffer.compare((a as ObjectId).id, (b as ObjectId).id);
    case RANK.bool:
      return Number(a) - Number(b);
    case RANK.date:
      return Math.sign((a as Date).getTime() - (b as Date).getTime());
    case RANK.timestamp:
      return (a as Timestamp).compare(b as Timestamp);
    case RANK.regex:
      return compareRegex(a as BSONRegExp, b as BSONRegExp);
    case RANK.dbPointer:
      return compareDBPointer(a as DBPointer, b as DBPointer);
    case RANK.javascript:
      return compareText((a as Code).code, (b as Code).code);
    case RANK.javascriptWithScope:
      return (
        compareText((a as Code).code, (b as Code).code) ||
        compare((a as Code).scope as BDoc, (b as Code).scope as BDoc)
      );
    default:
      return 0;
  }
}

const textOf = (value: string | BSONSymbol): string => (typeof value === 'string' ? value : value.value);

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
  if (a === b) return 0;
  const left = a.entries();
  const right = b.entries();
  const size = Math.min(left.length, right.length);
  for (let i = 0; i < size; i++) {
    const [aName, aValue] = left[i]!;
    const [bName, bValue] = right[i]!;
    const order = typeRank(aValue) - typeRank(bValue) || compareText(aName, bName) || compare(aValue, bValue);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareArrays(a: BValue[], b: BValue[]): number {
  const size = Math.min(a.length, b.length);
  for (let i = 0; i < size; i++) {
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

function compareRegex(a: BSONRegExp, b: BSONRegExp): number {
  return compareText(a.pattern, b.pattern) || compareText(a.options, b.options);
}

function compareDBPointer(a: DBPointer, b: DBPointer): number {
  return (
    Buffer.byteLength(a.ns) - Buffer.byteLength(b.ns) ||
    compareText(a.ns, b.ns) ||
    Buffer.compare(a.id.id, b.id.id)
  );
}
