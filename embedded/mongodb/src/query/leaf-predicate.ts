import { Binary, BSONRegExp, BSONSymbol, Decimal128, type Double, type MaxKey, type MinKey } from 'bson';
import { compare, typeRank } from '../bson/compare.js';
import { hashKey } from '../bson/hash-key.js';
import { TYPE } from '../bson/layout.js';
import { isNumber, typeName } from '../bson/type-of.js';
import type { BValue } from '../bson/values.js';
import { asNumber, toInt64 } from './filter-arguments.js';
import type { BitsOp, CompareOp, LeafNode } from './filter-node.js';
import { compileRegex } from './regex.js';

/** A test of one value; `undefined` is a missing field. */
export type Predicate = (value: BValue | undefined) => boolean;

type ScalarNode = Exclude<LeafNode, { kind: 'size' | 'elemMatchObject' | 'elemMatchValue' }>;

export function leafPredicate(node: ScalarNode): Predicate {
  switch (node.kind) {
    case 'cmp':
      return comparison(node.op, node.value);
    case 'in':
      return membership(node.values, node.regexes);
    case 'exists':
      return (value) => value !== undefined;
    case 'type':
      return (value) => value !== undefined && node.codes.has(TYPE[typeName(value)]);
    case 'mod':
      return (value) => isNumber(value) && modulo(value, node.divisor) === node.remainder;
    case 'regex':
      return regexPredicate(node.pattern, node.options);
    case 'bits':
      return bitsPredicate(node.op, node.positions);
  }
}

const ACCEPTS: Record<CompareOp, (order: number) => boolean> = {
  $eq: (order) => order === 0,
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
};

function comparison(op: CompareOp, wanted: BValue): Predicate {
  const accepts = ACCEPTS[op];
  if (op === '$eq' && (typeof wanted === 'string' || typeof wanted === 'boolean')) {
    return (value) => value === wanted || (value instanceof BSONSymbol && value.value === wanted);
  }
  if (wanted === null) return (value) => (value === null || value === undefined) && accepts(0);
  const type = typeName(wanted);
  if (type === 'minKey' || type === 'maxKey') return unbracketed(op, wanted as MinKey | MaxKey);
  const wantedNaN = isNaNValue(wanted);
  const rank = typeRank(wanted);
  return (value) => {
    if (typeRank(value) !== rank) return false;
    // NaN equals itself and is neither above nor below any number.
    if (rank === NUMBER_RANK && wantedNaN !== isNaNValue(value!)) return false;
    return accepts(compare(value, wanted));
  };
}

const NUMBER_RANK = typeRank(0);

/** Ranges stay within one type, except against MinKey and MaxKey. */
function unbracketed(op: CompareOp, wanted: MinKey | MaxKey): Predicate {
  const accepts = ACCEPTS[op];
  return (value) => accepts(compare(value, wanted));
}

function isNaNValue(value: BValue): boolean {
  if (typeof value === 'number') return Number.isNaN(value);
  return isNumber(value) && Number.isNaN(Number((value as Double | Decimal128).toString()));
}

function membership(values: readonly BValue[], regexes: readonly BSONRegExp[]): Predicate {
  const keys = new Set(values.map(hashKey));
  const patterns = regexes.map((regex) => regexPredicate(regex.pattern, regex.options));
  return (value) => keys.has(hashKey(value ?? null)) || patterns.some((matches) => matches(value));
}

function regexPredicate(pattern: string, options: string): Predicate {
  const regex = compileRegex(pattern, options);
  return (value) => {
    if (typeof value === 'string') return regex.test(value);
    if (value instanceof BSONSymbol) return regex.test(value.value);
    return value instanceof BSONRegExp && value.pattern === pattern && value.options === options;
  };
}

function modulo(value: BValue, divisor: bigint): bigint | undefined {
  if (!Number.isFinite(asNumber(value))) return undefined;
  const integer = toInt64(value);
  return integer === undefined ? undefined : integer % divisor;
}

function bitsPredicate(op: BitsOp, positions: readonly number[]): Predicate {
  const wantSet = op === '$bitsAllSet' || op === '$bitsAnySet';
  const any = op === '$bitsAnySet' || op === '$bitsAnyClear';
  return (value) => {
    const bitAt = bitReader(value);
    if (!bitAt) return false;
    const satisfied = (position: number): boolean => bitAt(position) === wantSet;
    return any ? positions.some(satisfied) : positions.every(satisfied);
  };
}

/** Bits of a binary, or of an integral number in two's complement. */
function bitReader(value: BValue | undefined): ((position: number) => boolean) | null {
  if (value instanceof Binary) {
    return (position) =>
      ((value.buffer[position >> 3] ?? 0) >> (position & 7)) % 2 === 1 && position < value.position * 8;
  }
  if (!isNumber(value)) return null;
  const integer = toInt64(value);
  if (integer === undefined || compare(integer, value) !== 0) return null;
  return (position) => ((integer >> BigInt(Math.min(position, 63))) & 1n) === 1n;
}
