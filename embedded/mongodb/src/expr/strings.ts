import { BSONRegExp, Decimal128, Double, ObjectId } from 'bson';
import { compareText } from '../bson/compare.js';
import { expectInteger, expectText } from '../bson/expect.js';
import { isNullish, typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { compileRegex } from '../query/regex.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { anyBinary, anyUnary, anyVariadic, binary, named, variadic } from './operands.js';

/** Expressions over strings. Case is changed and ignored for ASCII letters only, as in MongoDB. */
export const STRINGS: OperatorTable = {
  $concat: variadic((args, name) => args.map((arg) => expectText(arg, 16702, name)).join('')),
  $toLower: anyUnary((a) => coerced(a).replace(/[A-Z]+/g, (letters) => letters.toLowerCase())),
  $toUpper: anyUnary((a) => upper(coerced(a))),
  $strcasecmp: anyBinary((a, b) => Math.sign(compareText(upper(coerced(a)), upper(coerced(b))))),
  $strLenBytes: anyUnary((a, name) => Buffer.byteLength(expectText(a, 34473, name))),
  $strLenCP: anyUnary((a, name) => Array.from(expectText(a, 34471, name)).length),
  $substr: anyVariadic(substringBytes, 3, 3),
  $substrBytes: anyVariadic(substringBytes, 3, 3),
  $substrCP: anyVariadic(
    ([text, start, count], name) => {
      const from = expectInteger(start, 34455, `start of ${name}`, 0);
      const length = expectInteger(count, 34454, `length of ${name}`, 0);
      return Array.from(coerced(text))
        .slice(from, from + length)
        .join('');
    },
    3,
    3,
  ),
  $split: binary((text, separator, name) => {
    const by = expectText(separator, 40086, `separator of ${name}`);
    if (by === '') throw new CommandError(40087, '$split requires a non-empty separator');
    return expectText(text, 40085, name).split(by);
  }),
  $indexOfCP: anyVariadic(indexOfCP, 2, 4),
  $trim: trim(true, true),
  $ltrim: trim(true, false),
  $rtrim: trim(false, true),
  $replaceOne: replace((text, find, replacement) => text.replace(find, () => replacement)),
  $replaceAll: replace((text, find, replacement) => text.replaceAll(find, () => replacement)),
  $regexMatch: regex((found) => found !== null && !found.next().done),
  $regexFind: regex((found) => found?.next().value ?? null),
  $regexFindAll: regex((found) => [...(found ?? [])]),
};

/** A scalar as text; `undefined` for what has no text form. */
export function toText(value: BValue): string | undefined {
  if (value instanceof Double) return toText(value.value);
  if (Object.is(value, -0)) return '-0';
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object') return String(value);
  return value instanceof Decimal128 || value instanceof ObjectId ? value.toString() : undefined;
}

/** Strings as they are, null as '', numbers and dates written out. */
function coerced(value: Value): string {
  if (isNullish(value)) return '';
  const text = typeof value === 'boolean' || value instanceof ObjectId ? undefined : toText(value as BValue);
  if (text !== undefined) return text;
  throw new CommandError(16007, `can't convert from BSON type ${typeName(value as BValue)} to String`);
}

const upper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

function substringBytes([text, start, count]: Value[], name: string): string {
  const bytes = Buffer.from(coerced(text));
  const from = expectInteger(start, 50752, `start of ${name}`, 0);
  const length = expectInteger(count, 16035, `length of ${name}`);
  const to = length < 0 ? bytes.length : Math.min(bytes.length, from + length);
  for (const at of [from, to]) {
    if (at >= bytes.length || (bytes[at]! & 0xc0) !== 0x80) continue;
    throw new CommandError(
      28656,
      `${name}: Invalid range, byte ${at} is in the middle of a UTF-8 character.`,
    );
  }
  return bytes.toString('utf8', from, Math.max(from, to));
}

function indexOfCP([text, token, start = 0, end]: Value[], name: string): Value {
  if (isNullish(text)) return null;
  const points = Array.from(expectText(text, 40093, name));
  const wanted = Array.from(expectText(token, 40094, name));
  const last =
    end === undefined ? points.length : Math.min(points.length, expectInteger(end, 40097, name, 0));
  for (let at = expectInteger(start, 40097, name, 0); at + wanted.length <= last; at++) {
    if (wanted.every((point, i) => points[at + i] === point)) return at;
  }
  return -1;
}

/** The code points that MongoDB trims without `chars`. */
const BLANK = '\0\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a';

function trim(left: boolean, right: boolean): OperatorCompiler {
  return named(['input'], ['chars'], ({ input, chars = BLANK }, name) => {
    if (isNullish(input) || isNullish(chars)) return null;
    const points = Array.from(expectText(input, 50699, name));
    const set = new Set(expectText(chars, 50700, name));
    let from = 0;
    let to = points.length;
    while (left && from < to && set.has(points[from]!)) from++;
    while (right && to > from && set.has(points[to - 1]!)) to--;
    return points.slice(from, to).join('');
  });
}

function replace(apply: (text: string, find: string, replacement: string) => string): OperatorCompiler {
  return named(['input', 'find', 'replacement'], [], ({ input, find, replacement }, name) => {
    const parts = [input, find, replacement];
    const texts = parts.map((part) => (isNullish(part) ? '' : expectText(part, 51746, name)));
    return parts.some(isNullish) ? null : apply(...(texts as [string, string, string]));
  });
}

type Matches = Generator<BDoc, undefined>;

/** `$regexMatch` and the like: the dialect is that of `$regex` in a filter. */
function regex(answer: (matches: Matches | null) => Value): OperatorCompiler {
  return named(['input', 'regex'], ['options'], ({ input, regex: given, options }, name) => {
    if (isNullish(given)) return answer(null);
    const own = given instanceof BSONRegExp ? given.options : '';
    const added = isNullish(options) ? '' : expectText(options, 51106, `options of ${name}`);
    if (own && added) throw new CommandError(51107, `${name}: options set in both 'regex' and 'options'`);
    const source = given instanceof BSONRegExp ? given.pattern : expectText(given, 51105, `regex of ${name}`);
    const pattern = compileRegex(source, own || added);
    return answer(isNullish(input) ? null : matchesIn(expectText(input, 51104, `input of ${name}`), pattern));
  });
}

function* matchesIn(text: string, pattern: RegExp): Matches {
  for (const match of text.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))) {
    yield BDoc.of(
      ['match', match[0]],
      ['idx', Array.from(text.slice(0, match.index)).length],
      ['captures', match.slice(1).map((capture) => (capture as string | undefined) ?? null)],
    );
  }
  return undefined;
}
