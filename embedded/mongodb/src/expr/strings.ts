import { BSONRegExp, Decimal128, Double, ObjectId } from 'bson';
import { toNumber } from '../bson/arithmetic.js';
import * as decimal from '../bson/decimal.js';
import { expectInt32, expectInteger, expectText } from '../bson/expect.js';
import { isInt, isNullish, typeName } from '../bson/type-of.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { compileRegex } from '../query/regex.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { inOrder, lax, named, strict } from './operands.js';

/** Expressions over strings. Case is changed for ASCII letters only, as in MongoDB. */
export const STRINGS: OperatorTable = {
  $concat: inOrder(
    (arg, name) => expectText(arg, 16702, name),
    (texts) => texts.join(''),
  ),
  $toLower: lax(1, 1, ([a]) => coerced(a).replace(/[A-Z]+/g, (letters) => letters.toLowerCase())),
  $toUpper: lax(1, 1, ([a]) => coerced(a).replace(/[a-z]+/g, (letters) => letters.toUpperCase())),
  $strLenBytes: lax(1, 1, ([a], name) => Buffer.byteLength(expectText(a, 34473, name))),
  $strLenCP: lax(1, 1, ([a], name) => Array.from(expectText(a, 34471, name)).length),
  $substr: lax(3, 3, substringBytes),
  $substrBytes: lax(3, 3, substringBytes),
  $substrCP: lax(3, 3, ([text, start, count], name) => {
    const from = expectInteger(expectInt32(start, 34450, name), 34455, `start of ${name}`, 0);
    const length = expectInteger(expectInt32(count, 34452, name), 34454, `length of ${name}`, 0);
    return Array.from(coerced(text))
      .slice(from, from + length)
      .join('');
  }),
  $split: strict(2, 2, ([text, separator], name) => {
    const by = expectText(separator, 40086, `separator of ${name}`);
    if (by === '') throw new CommandError(40087, '$split requires a non-empty separator');
    return expectText(text, 40085, name).split(by);
  }),
  $trim: trim(true, true),
  $ltrim: trim(true, false),
  $rtrim: trim(false, true),
  $replaceOne: replace((text, find, replacement) => text.replace(find, () => replacement)),
  $replaceAll: replace((text, find, replacement) => text.replaceAll(find, () => replacement)),
  // The dialect is that of `$regex` in a filter.
  $regexMatch: named(['input', 'regex'], ['options'], ({ input, regex, options }, name) => {
    if (isNullish(regex)) return false;
    const own = regex instanceof BSONRegExp ? regex.options : '';
    const added = isNullish(options) ? '' : expectText(options, 51106, `options of ${name}`);
    if (own && added) throw new CommandError(51107, `${name}: options set in both 'regex' and 'options'`);
    const source = regex instanceof BSONRegExp ? regex.pattern : expectText(regex, 51105, `regex of ${name}`);
    const pattern = compileRegex(source, own || added);
    return !isNullish(input) && pattern.test(expectText(input, 51104, `input of ${name}`));
  }),
};

/** A scalar as text; `undefined` for what has no text form. */
export function toText(value: BValue): string | undefined {
  if (value instanceof Double) return doubleText(value.value);
  if (typeof value === 'number' && !isInt(value)) return doubleText(value);
  if (value instanceof Date) {
    const text = value.toISOString();
    if (/^\d/.test(text)) return text;
    throw new CommandError(18537, `only dates of the years 0 to 9999 have a text, got ${text}`);
  }
  if (typeof value !== 'object') return String(value);
  return value instanceof Decimal128 || value instanceof ObjectId ? value.toString() : undefined;
}

/** As C's `%g` writes it, which MongoDB 8.0 uses: six digits, the last one rounded to even. */
function doubleText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (!Number.isFinite(value) || value === 0) return String(value);
  const rounded = toNumber(decimal.encode(decimal.withDigits(decimal.exact(value), 6)));
  const size = Math.abs(rounded);
  if (size >= 1e-4 && size < 1e6) return String(rounded);
  const text = rounded.toExponential(5).replace(/\.?0+e/, 'e');
  return text.replace(/(?<=[+-])\d$/, '0$&');
}

/** Strings as they are, null as '', numbers and dates written out. */
function coerced(value: Value): string {
  if (isNullish(value)) return '';
  const text = typeof value === 'boolean' || value instanceof ObjectId ? undefined : toText(value as BValue);
  if (text !== undefined) return text;
  throw new CommandError(16007, `can't convert from BSON type ${typeName(value as BValue)} to String`);
}

function substringBytes([text, start, count]: Value[], name: string): string {
  const bytes = Buffer.from(coerced(text));
  const from = expectInteger(start, 50752, `start of ${name}`, 0);
  const length = expectInteger(count, 16035, `length of ${name}`);
  const to = length < 0 ? bytes.length : Math.min(bytes.length, from + length);
  const middle = [from, to].findIndex((at) => at < bytes.length && (bytes[at]! & 0xc0) === 0x80);
  if (middle < 0) return bytes.toString('utf8', from, Math.max(from, to));
  throw new CommandError(28656 + middle, `${name}: the range cuts a UTF-8 character.`);
}

/** The code points that MongoDB trims without `chars`. */
const BLANK = '\0\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a';

function trim(left: boolean, right: boolean): OperatorCompiler {
  return named(['input'], ['chars'], ({ input, ...given }, name) => {
    const chars = 'chars' in given ? given.chars : BLANK;
    if (isNullish(input) || isNullish(chars)) return null;
    const points = Array.from(expectText(input, 50699, name));
    const set = new Set(expectText(chars, 50700, name));
    const kept = (point: string): boolean => !set.has(point);
    const from = left ? points.findIndex(kept) : 0;
    return from < 0 ? '' : points.slice(from, right ? points.findLastIndex(kept) + 1 : undefined).join('');
  });
}

function replace(apply: (text: string, find: string, replacement: string) => string): OperatorCompiler {
  return named(['input', 'find', 'replacement'], [], ({ input, find, replacement }, name) => {
    const parts = [input, find, replacement];
    const texts = parts.map((part, at) => (isNullish(part) ? '' : expectText(part, 51746 - at, name)));
    return parts.some(isNullish) ? null : apply(...(texts as [string, string, string]));
  });
}
