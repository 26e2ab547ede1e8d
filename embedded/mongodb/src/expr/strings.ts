import { BSONSymbol } from 'bson';
import { isNullish, typeNameOrMissing } from '../bson/type-of.js';
import { compareText } from '../bson/compare.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { indexOperand, integerOperand } from './arrays.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { binary, named, unary, variadic } from './operands.js';
import { toText } from './to-text.js';

/** Expressions over strings. Case is changed and ignored for ASCII letters only, as in MongoDB. */
export const STRINGS: OperatorTable = {
  $concat: variadic((args, name) => {
    if (args.some(isNullish)) return null;
    return args.map((arg) => textOperand(arg, name, 16702)).join('');
  }),
  $toLower: unary((a) => coerced(a).replace(/[A-Z]+/g, (letters) => letters.toLowerCase())),
  $toUpper: unary((a) => upper(coerced(a))),
  $strcasecmp: binary((a, b) => Math.sign(compareText(upper(coerced(a)), upper(coerced(b))))),
  $strLenBytes: unary((a, name) => Buffer.byteLength(textOperand(a, name, 34473))),
  $strLenCP: unary((a, name) => Array.from(textOperand(a, name, 34471)).length),
  $substr: variadic(substringBytes, 3, 3),
  $substrBytes: variadic(substringBytes, 3, 3),
  $substrCP: variadic(
    ([text, start, count], name) => {
      const points = Array.from(coerced(text));
      const from = integerOperand(start, name, 34450);
      const length = integerOperand(count, name, 34452);
      if (from < 0)
        throw new CommandError(34455, `$substrCP: the starting index must be non-negative, got: ${from}`);
      if (length < 0)
        throw new CommandError(34454, `$substrCP: length must be a nonnegative integer, got: ${length}`);
      return points.slice(from, from + length).join('');
    },
    3,
    3,
  ),
  $split: binary((text, separator, name) => {
    if (isNullish(text) || isNullish(separator)) return null;
    const by = textOperand(separator, name, 40086);
    if (by === '') throw new CommandError(40087, '$split requires a non-empty separator');
    return textOperand(text, name, 40085).split(by);
  }),
  $indexOfCP: variadic((args, name) => indexOf(args, name, Array.from<string>), 2, 4),
  $indexOfBytes: variadic(
    (args, name) => indexOf(args, name, (text) => Array.from(Buffer.from(text).toString('latin1'))),
    2,
    4,
  ),
  $trim: trim(true, true),
  $ltrim: trim(true, false),
  $rtrim: trim(false, true),
  $replaceOne: replace((text, find, replacement) => text.replace(find, () => replacement)),
  $replaceAll: replace((text, find, replacement) => text.replaceAll(find, () => replacement)),
};

/** The operand, which must be a string. */
export function textOperand(value: Value, name: string, code: number): string {
  if (typeof value === 'string') return value;
  if (value instanceof BSONSymbol) return value.value;
  throw new CommandError(code, `${name} requires a string argument, found: ${typeNameOrMissing(value)}`);
}

/** Strings as they are, null as '', numbers and dates written out. */
function coerced(value: Value): string {
  if (isNullish(value)) return '';
  const text = value === true || value === false ? undefined : toText(value as BValue);
  if (text !== undefined) return text;
  throw new CommandError(16007, `can't convert from BSON type ${typeNameOrMissing(value)} to String`);
}

const upper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

function substringBytes([text, start, count]: Value[], name: string): string {
  const bytes = Buffer.from(coerced(text));
  const from = integerOperand(start, name, 16034);
  const length = integerOperand(count, name, 16035);
  if (from < 0)
    throw new CommandError(50752, `$substrBytes: starting index must be non-negative (got: ${from})`);
  const to = length < 0 ? bytes.length : Math.min(bytes.length, from + length);
  const inside = (at: number): boolean => at < bytes.length && (bytes[at]! & 0xc0) === 0x80;
  if (inside(from))
    throw new CommandError(
      28656,
      '$substrBytes: Invalid range, starting index is a UTF-8 continuation byte.',
    );
  if (inside(to))
    throw new CommandError(
      28657,
      '$substrBytes: Invalid range, ending index is in the middle of a UTF-8 character.',
    );
  return bytes.toString('utf8', Math.min(from, bytes.length), Math.max(from, to));
}

function indexOf(
  [text, token, start, end]: Value[],
  name: string,
  unitsOf: (text: string) => string[],
): Value {
  if (isNullish(text)) return null;
  const units = unitsOf(textOperand(text, name, name === '$indexOfCP' ? 40093 : 40091));
  const wanted = unitsOf(textOperand(token, name, name === '$indexOfCP' ? 40094 : 40092));
  const from = start === undefined ? 0 : indexOperand(start, name);
  const to = end === undefined ? units.length : Math.min(units.length, indexOperand(end, name));
  for (let at = from; at + wanted.length <= to; at++) {
    if (wanted.every((unit, i) => units[at + i] === unit)) return at;
  }
  return -1;
}

/** The code points that MongoDB trims without `chars`. */
const BLANK = new Set(
  '\0\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a',
);

function trim(left: boolean, right: boolean): OperatorCompiler {
  return named(['input'], ['chars'], (args, name) => {
    const { input, chars } = args;
    if (isNullish(input)) return null;
    if ('chars' in args && isNullish(chars)) return null;
    const points = Array.from(textOperand(input, name, 50699));
    const set = chars === undefined ? BLANK : new Set(textOperand(chars, name, 50700));
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
    for (const [i, part] of parts.entries()) if (!isNullish(part)) textOperand(part, name, 51746 - i);
    if (parts.some(isNullish)) return null;
    return apply(...(parts.map((part) => textOperand(part, name, 51746)) as [string, string, string]));
  });
}
