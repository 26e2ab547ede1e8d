import { BSONRegExp, BSONSymbol } from 'bson';
import { asNumber, isZero, toInt64 } from '../bson/arithmetic.js';
import { describe, expectArray } from '../bson/expect.js';
import { compare, hashKey } from '../bson/keystring.js';
import { isNumber, typeName, Undefined } from '../bson/type-of.js';
import { typeCalled, typeRank, type TypeName } from '../bson/types.js';
import { BDoc, type BValue } from '../bson/values.js';
import { badValue, failedToParse } from '../errors.js';
import { compileRegex } from './regex.js';

/** A test of one value; `undefined` is a missing field. */
export type Predicate = (value: BValue | undefined) => boolean;

/** Operators that test a value, and each element of an array by itself. */
export const LEAF_OPERATORS: Readonly<Record<string, (operand: BValue) => Predicate>> = {
  $eq: (operand) => comparison('$eq', operand, (order) => order === 0),
  $gt: (operand) => comparison('$gt', operand, (order) => order > 0),
  $gte: (operand) => comparison('$gte', operand, (order) => order >= 0),
  $lt: (operand) => comparison('$lt', operand, (order) => order < 0),
  $lte: (operand) => comparison('$lte', operand, (order) => order <= 0),
  $in: membership,
  $type: ofType,
  $mod: modulo,
};

/** Names of fields in spite of their dollar. */
export const OF_DBREF: ReadonlySet<string> = new Set(['$ref', '$id', '$db']);

/** Whether a value is a document whose first field is an operator. A DBRef is a plain value. */
export function isOperatorDocument(value: BValue | undefined): value is BDoc {
  if (!(value instanceof BDoc) || !value.keys()[0]?.startsWith('$')) return false;
  return !(value.has('$ref') && value.has('$id'));
}

const NUMBER_RANK = typeRank(0);

function comparison(operator: string, wanted: BValue, accepts: (order: number) => boolean): Predicate {
  if (wanted instanceof Undefined) throw badValue('cannot compare to undefined');
  if (operator !== '$eq' && wanted instanceof BSONRegExp)
    throw badValue(`${operator} takes no regular expression`);
  if (operator === '$eq' && (typeof wanted === 'string' || typeof wanted === 'boolean'))
    return (value) => value === wanted || (value instanceof BSONSymbol && value.value === wanted);
  if (wanted === null) return (value) => (value === null || value === undefined) && accepts(0);
  const type = typeName(wanted);
  // Ranges stay within one type, except against MinKey and MaxKey.
  if (type === 'minKey' || type === 'maxKey') return (value) => accepts(compare(value, wanted));
  const rank = typeRank(wanted);
  const wantedNaN = isNaNValue(wanted);
  return (value) => {
    if (typeRank(value) !== rank) return false;
    // NaN equals itself and is neither above nor below any number.
    if (rank === NUMBER_RANK && wantedNaN !== isNaNValue(value)) return false;
    return accepts(compare(value, wanted));
  };
}

const isNaNValue = (value: BValue | undefined): boolean =>
  typeof value === 'number' ? Number.isNaN(value) : isNumber(value) && Number.isNaN(asNumber(value));

function membership(operand: BValue): Predicate {
  const list = expectArray(operand, 'BadValue', 'the operand of $in');
  if (list.some(isOperatorDocument)) throw badValue('cannot nest $ under $in');
  if (list.some((one) => one instanceof Undefined)) throw badValue('cannot compare to undefined');
  const patterns = list
    .filter((one) => one instanceof BSONRegExp)
    .map((one) => regexPredicate(one.pattern, one.options));
  const keys = new Set(list.filter((one) => !(one instanceof BSONRegExp)).map(hashKey));
  return (value) => keys.has(hashKey(value ?? null)) || patterns.some((matches) => matches(value));
}

export function regexPredicate(pattern: string, options: string): Predicate {
  const regex = compileRegex(pattern, options);
  return (value) => {
    if (typeof value === 'string') return regex.test(value);
    if (value instanceof BSONSymbol) return regex.test(value.value);
    return value instanceof BSONRegExp && value.pattern === pattern && value.options === options;
  };
}

/** `$type`: a code, a name, `number`, or a list of them. */
function ofType(operand: BValue): Predicate {
  const list = Array.isArray(operand) ? operand : [operand];
  if (list.length === 0) throw failedToParse('$type must match at least one type');
  const names = new Set(list.flatMap(typesCalled));
  return (value) => value !== undefined && names.has(typeName(value));
}

function typesCalled(value: BValue): TypeName[] {
  if (value === 'number') return ['int', 'long', 'double', 'decimal'];
  const name = typeCalled(typeof value === 'string' ? value : asNumber(value));
  if (name) return [name];
  if (isNumber(value) && isZero(value))
    throw failedToParse('$type: 0 is not supported: use {$exists: false}');
  throw badValue(`Unknown type name or code in $type: ${describe(value)}`);
}

/** `$mod`: both numbers and the value lose their fraction. */
function modulo(operand: BValue): Predicate {
  const list = expectArray(operand, 'BadValue', 'malformed mod: its operand');
  if (list.length !== 2)
    throw badValue(`malformed mod: expected [divisor, remainder], got ${list.length} elements`);
  const [divisor, remainder] = list.map((one) => (isNumber(one) ? toInt64(one) : undefined));
  if (divisor === undefined || remainder === undefined)
    throw badValue('malformed mod: divisor or remainder not a number');
  if (divisor === 0n) throw badValue('divisor cannot be 0');
  return (value) => {
    const integer = isNumber(value) ? toInt64(value) : undefined;
    return integer !== undefined && integer % divisor === remainder;
  };
}
