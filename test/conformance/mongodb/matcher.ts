import { BSON } from 'mongodb';
import type { Document } from 'mongodb';
import { isBsonType } from './bson-types.js';
import { isPlainObject } from './spec-file.js';

/** Gives what a name in a test stands for. */
export interface NamedValues {
  value(name: string): unknown;
  lsid(name: string): unknown;
}

/** Throws where `actual` is not what a test expects. Only root documents may hold fields that are not expected. */
export function expectMatch(expected: unknown, actual: unknown, names: NamedValues, at = 'result'): void {
  match(expected, actual, { names, at, root: true });
}

interface Place {
  names: NamedValues;
  at: string;
  root: boolean;
}

function match(expected: unknown, actual: unknown, place: Place): void {
  if (isPlainObject(expected)) {
    const [operator] = Object.keys(expected);
    if (operator?.startsWith('$$')) return matchOperator(operator, expected[operator], actual, place);
    return matchDocument(expected, actual, place);
  }
  if (Array.isArray(expected)) return matchArray(expected, actual, place);
  if (!sameValue(expected, actual)) differ(expected, actual, place);
}

function matchDocument(expected: Document, actual: unknown, place: Place): void {
  if (!isPlainObject(actual)) return differ(expected, actual, place);
  for (const [key, value] of Object.entries(expected)) {
    const inner = { ...place, at: `${place.at}.${key}`, root: false };
    if (isPlainObject(value) && '$$exists' in value) matchExists(value['$$exists'], actual[key], inner);
    else match(value, actual[key], inner);
  }
  if (place.root) return;
  for (const [key, value] of Object.entries(actual))
    if (!(key in expected) && value !== undefined)
      throw new Error(`expected no field ${place.at}.${key}, got ${show(value)}`);
}

function matchExists(wanted: unknown, actual: unknown, place: Place): void {
  if ((actual !== undefined) !== wanted)
    throw new Error(`expected ${place.at} to ${wanted ? 'exist' : 'be missing'}, got ${show(actual)}`);
}

/** Documents in a root array, such as the rows of a find, are root documents themselves. */
function matchArray(expected: unknown[], actual: unknown, place: Place): void {
  if (!Array.isArray(actual) || actual.length !== expected.length) return differ(expected, actual, place);
  for (const [at, value] of expected.entries())
    match(value, actual[at], { ...place, at: `${place.at}[${at}]` });
}

function matchOperator(operator: string, operand: unknown, actual: unknown, place: Place): void {
  switch (operator) {
    case '$$exists':
      return matchExists(operand, actual, place);
    case '$$unsetOrMatches':
      return actual === undefined || actual === null ? undefined : match(operand, actual, place);
    case '$$type':
      if ([operand].flat().some((type) => isBsonType(String(type), actual))) return;
      break;
    case '$$matchesEntity':
      return match(place.names.value(String(operand)), actual, place);
    case '$$matchesHexBytes':
      if (Buffer.isBuffer(actual) && actual.toString('hex') === operand) return;
      break;
    case '$$sessionLsid':
      return match(place.names.lsid(String(operand)), actual, { ...place, root: false });
    case '$$lte':
      if (numeric(actual) !== undefined && Number(numeric(actual)) <= Number(numeric(operand))) return;
      break;
    case '$$matchAsRoot':
      return match(operand, actual, { ...place, root: true });
    case '$$matchAsDocument':
      return match(operand, parsedDocument(actual, place), { ...place, root: false });
    default:
      throw new Error(`expected an operator of the unified test format, got ${operator}`);
  }
  differ({ [operator]: operand }, actual, place);
}

function parsedDocument(text: unknown, place: Place): Document {
  const parsed: unknown = BSON.EJSON.parse(String(text), { relaxed: false });
  if (!isPlainObject(parsed))
    throw new Error(`expected ${place.at} to hold a JSON object, got ${show(text)}`);
  return parsed;
}

/** Numbers are equal by value whatever their type; everything else by type and value. */
function sameValue(expected: unknown, actual: unknown): boolean {
  const number = numeric(expected);
  if (number !== undefined) return isEqualNumber(number, numeric(actual));
  if (typeof expected !== 'object' || expected === null) return expected === actual;
  return actual !== undefined && show(expected) === show(actual);
}

function isEqualNumber(a: number | bigint, b: number | bigint | undefined): boolean {
  // oxlint-disable-next-line eqeqeq -- 1n == 1 is what "by value" means here
  return b !== undefined && (a == b || (Number.isNaN(a) && Number.isNaN(b)));
}

function numeric(value: unknown): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (value instanceof BSON.Int32 || value instanceof BSON.Double) return value.value;
  if (value instanceof BSON.Long) return value.toBigInt();
  return undefined;
}

function differ(expected: unknown, actual: unknown, place: Place): never {
  throw new Error(`expected ${place.at} to match ${show(expected)}, got ${show(actual)}`);
}

/** Canonical Extended JSON. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = BSON.EJSON.stringify(
    { value: Buffer.isBuffer(value) ? value.toString('hex') : value },
    { relaxed: false },
  );
  return text.slice('{"value":'.length, -1);
}
