import { ObjectId, Timestamp } from 'bson';
import { DateTime, FixedOffsetZone, IANAZone, type DateTimeUnit, type Zone } from 'luxon';
import { expectInteger, expectText } from '../bson/expect.js';
import { isNullish, typeNameOrMissing } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import { CommandError, unsupported, failedToParse } from '../errors.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { named } from './operands.js';

const UTC = FixedOffsetZone.utcInstance;
const UNITS = new Set('year quarter month week day hour minute second millisecond'.split(' '));

/** Expressions over dates; `local` is the date in its time zone. */
export const DATES: OperatorTable = {
  $year: part((local) => local.year),
  $month: part((local) => local.month),
  $dayOfMonth: part((local) => local.day),
  $dayOfWeek: part((local) => (local.weekday % 7) + 1),
  $dayOfYear: part((local) => local.ordinal),
  $week: part(weekOf),
  $isoDayOfWeek: part((local) => local.weekday),
  $isoWeek: part((local) => local.weekNumber),
  $isoWeekYear: part((local) => BigInt(local.weekYear)),
  $hour: part((local) => local.hour),
  $minute: part((local) => local.minute),
  $second: part((local) => local.second),
  $millisecond: part((local) => local.millisecond),
  $dateToString: named(['date'], ['format', 'timezone', 'onNull'], (args, name) => {
    const zone = zoneOf(args);
    if (isNullish(args.date)) return 'onNull' in args ? args.onNull : null;
    if (zone === null || ('format' in args && isNullish(args.format))) return null;
    const format = args.format ?? `%Y-%m-%dT%H:%M:%S.%L${zone === UTC ? 'Z' : ''}`;
    return formatDate(toLocal(args.date, zone, name), expectText(format, 18533, `format of ${name}`));
  }),
  $dateFromString: named(
    ['dateString'],
    ['timezone', 'onNull'],
    (args, name) => {
      const zone = zoneOf(args);
      if (isNullish(args.dateString)) return 'onNull' in args ? args.onNull : null;
      const text = expectText(args.dateString, 'ConversionFailure', `dateString of ${name}`);
      return zone && parseDate(text, zone);
    },
    ['format', 'onError'],
  ),
  $dateAdd: shift(1),
  $dateSubtract: shift(-1),
  $dateDiff: overUnits(['startDate', 'endDate'], [], (args, unit, zone, name) => {
    const [start, end] = [args.startDate, args.endDate].map((date) => toLocal(date, zone, name));
    return BigInt(unitsBetween(start!, end!, unit));
  }),
  $dateTrunc: overUnits(['date'], ['binSize'], (args, unit, zone, name) => {
    const size = expectInteger(args.binSize ?? 1, 5439018, `binSize of ${name}`, 1);
    // Bins are counted from 2000-01-01, those of weeks from the Sunday after it.
    const origin = DateTime.fromObject({ year: 2000, day: unit === 'week' ? 2 : 1 }, { zone });
    const units = unitsBetween(origin, toLocal(args.date, zone, name), unit);
    return origin.plus({ [unit]: Math.floor(units / size) * size }).toJSDate();
  }),
};

/** The operand in a time zone. */
function toLocal(value: Value, zone: Zone, name: string): DateTime {
  const date = dateOf(value);
  if (date) return DateTime.fromJSDate(date, { zone });
  throw new CommandError(16006, `${name}: can't convert from BSON type ${typeNameOrMissing(value)} to Date`);
}

/** The date that a value is or carries. */
export function dateOf(value: Value): Date | undefined {
  if (value instanceof ObjectId) return value.getTimestamp();
  if (value instanceof Timestamp) return new Date(value.t * 1000);
  return value instanceof Date ? value : undefined;
}

/** `UTC`, `+05:30`, `+0530`, `+05` or a name of the IANA database; null if it is null. */
function zoneOf(args: Record<string, Value>): Zone | null {
  if (!('timezone' in args)) return UTC;
  if (isNullish(args.timezone)) return null;
  const name = expectText(args.timezone, 40517, 'timezone');
  if (/^(UTC|GMT|Z)$/.test(name)) return UTC;
  const [, hours, minutes = '00'] = /^([+-]\d{2}):?(\d{2})?$/.exec(name) ?? [];
  if (hours) return FixedOffsetZone.instance(Number(hours) * 60 + Number(`${hours[0]}${minutes}`));
  if (/^[A-Za-z]/.test(name) && IANAZone.isValidZone(name)) return IANAZone.create(name);
  throw new CommandError(40485, `unrecognized time zone identifier: "${name}"`);
}

/** `{$year: date}` or `{$year: {date, timezone}}`. */
function part(read: (local: DateTime) => number | bigint): OperatorCompiler {
  const full = named(['date'], ['timezone'], (args, name) => {
    const zone = zoneOf(args);
    return isNullish(args.date) || zone === null ? null : read(toLocal(args.date, zone, name));
  });
  return (operand, compiler, name) => {
    if (operand instanceof BDoc && operand.has('date')) return full(operand, compiler, name);
    const list = Array.isArray(operand) ? operand : [operand];
    if (list.length === 1) return full(BDoc.of(['date', list[0]!]), compiler, name);
    throw new CommandError(40536, `${name} accepts exactly one argument, got ${list.length}`);
  };
}

/** An operator with a `unit` and a `timezone`; null if any operand is. Weeks begin on Sunday. */
function overUnits(
  required: readonly string[],
  optional: readonly string[],
  apply: (args: Record<string, Value>, unit: DateTimeUnit, zone: Zone, name: string) => Value,
): OperatorCompiler {
  const evaluate = (args: Record<string, Value>, name: string): Value => {
    const zone = zoneOf(args);
    if (zone === null || Object.values(args).some(isNullish)) return null;
    const unit = expectText(args.unit, 5439013, `unit of ${name}`);
    if (UNITS.has(unit)) return apply(args, unit as DateTimeUnit, zone, name);
    throw failedToParse(`${name}: unknown time unit value: ${unit}`);
  };
  return named([...required, 'unit'], [...optional, 'timezone'], evaluate, ['startOfWeek']);
}

/** `$dateAdd` and `$dateSubtract`. Where a month has no such day, its last one is taken. */
function shift(sign: 1 | -1): OperatorCompiler {
  return overUnits(['startDate', 'amount'], [], (args, unit, zone, name) => {
    const amount = sign * expectInteger(args.amount, 5166405, `amount of ${name}`);
    const result = toLocal(args.startDate, zone, name).plus({ [unit]: amount });
    if (result.isValid) return result.toJSDate();
    throw new CommandError(5166406, `${name} overflows: ${amount} ${unit}`);
  });
}

/** How many boundaries of a unit lie between two local times. */
function unitsBetween(start: DateTime, end: DateTime, unit: DateTimeUnit): number {
  // The library's weeks begin on Monday.
  const [from, to] = [start, end].map((one) => (unit === 'week' ? one.plus({ day: 1 }) : one).startOf(unit));
  return Math.round(to!.diff(from!, unit).as(unit));
}

function weekOf(local: DateTime): number {
  return Math.floor((local.ordinal + 6 - (local.weekday % 7)) / 7);
}

/** The specifiers of `$dateToString`, in the notation of the library where it has one. */
const SPECIFIERS: Readonly<Record<string, string | ((local: DateTime) => string)>> = {
  Y: 'yyyy',
  m: 'MM',
  d: 'dd',
  H: 'HH',
  M: 'mm',
  S: 'ss',
  L: 'SSS',
  j: 'ooo',
  u: 'E',
  G: 'kkkk',
  V: 'WW',
  z: 'ZZZ',
  U: (local) => String(weekOf(local)).padStart(2, '0'),
  w: (local) => String((local.weekday % 7) + 1),
  Z: ({ offset }) => (offset < 0 ? String(offset) : `+${offset}`),
  '%': () => '%',
};

function formatDate(local: DateTime, format: string): string {
  if (local.year < 0 || local.year > 9999)
    throw new CommandError(18537, `$dateToString is only defined on year 0-9999, got ${local.year}`);
  return format.replace(/%([^]?)/gu, (_, specifier: string) => {
    if (/^[bB]$/.test(specifier)) throw unsupported(`the date format specifier %${specifier}`);
    const text = Object.hasOwn(SPECIFIERS, specifier) ? SPECIFIERS[specifier] : undefined;
    if (typeof text === 'string') return local.toFormat(text, { locale: 'en-US' });
    if (text) return text(local);
    const code = specifier === '' ? 18535 : 18536;
    throw new CommandError(code, `Invalid format character '%${specifier}' in format string`);
  });
}

const ISO =
  /^\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s*(?<offset>Z|[+-]\d\d(:?\d\d)?|UTC|GMT)?)?)?$/;

/**
 * Reads an ISO 8601 date with or without time; `zone` holds where the text has none.
 * @throws CommandError ConversionFailure (241); CommandNotSupported (115) for other notations that MongoDB may read.
 */
export function parseDate(text: string, zone: Zone = UTC): Date {
  const match = ISO.exec(text.trim());
  const iso = match?.[0]
    .replace(' ', 'T')
    .replace(/\s/g, '')
    .replace(/UTC|GMT/, 'Z');
  const date = DateTime.fromISO(iso ?? '', { zone });
  if (date.isValid && !(match?.groups?.offset && zone !== UTC)) return date.toJSDate();
  if (!match && /\d/.test(text) && !Number.isNaN(Date.parse(text)))
    throw unsupported(`the date notation of '${text}'`);
  throw new CommandError('ConversionFailure', `Error parsing date string '${text}': expected ISO 8601`);
}
