import { ObjectId, Timestamp } from 'bson';
import { expectInteger, expectText } from '../bson/expect.js';
import { isNullish, typeNameOrMissing } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { named } from './operands.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Units of a fixed length, and those that are months. */
const UNIT_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: MINUTE_MS,
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
};
const UNIT_MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };

/** Expressions over dates. Timezones are UTC or fixed offsets; `local` is local time, read with the UTC getters. */
export const DATES: OperatorTable = {
  $year: part((local) => local.getUTCFullYear()),
  $month: part((local) => local.getUTCMonth() + 1),
  $dayOfMonth: part((local) => local.getUTCDate()),
  $dayOfWeek: part((local) => local.getUTCDay() + 1),
  $isoDayOfWeek: part((local) => local.getUTCDay() || 7),
  $dayOfYear: part((local) => dayOfYear(local)),
  $week: part((local) => Math.floor((dayOfYear(local) + 6 - local.getUTCDay()) / 7)),
  $hour: part((local) => local.getUTCHours()),
  $minute: part((local) => local.getUTCMinutes()),
  $second: part((local) => local.getUTCSeconds()),
  $millisecond: part((local) => local.getUTCMilliseconds()),
  $dateToString: named(['date'], ['format', 'timezone', 'onNull'], (args, name) => {
    const zone = zoneOf(args);
    if (isNullish(args.date)) return 'onNull' in args ? args.onNull : null;
    if (zone === null || ('format' in args && isNullish(args.format))) return null;
    const format = args.format ?? `%Y-%m-%dT%H:%M:%S.%L${isUtc(args.timezone) ? 'Z' : ''}`;
    return formatDate(toLocal(args.date, zone, name), expectText(format, 18533, `format of ${name}`), zone);
  }),
  $dateFromString: named(
    ['dateString'],
    ['timezone', 'onNull'],
    (args, name) => {
      const zone = zoneOf(args);
      if (isNullish(args.dateString)) return 'onNull' in args ? args.onNull : null;
      const text = expectText(args.dateString, 'ConversionFailure', `dateString of ${name}`);
      return zone === null ? null : parseDate(text, zone);
    },
    ['format', 'onError'],
  ),
  $dateAdd: shift(1),
  $dateSubtract: shift(-1),
  $dateDiff: overUnits(['startDate', 'endDate'], [], ({ args, zone, unit, name }) => {
    const count = (date: Value): number => boundaries(toLocal(date, zone, name), unit, 1);
    return BigInt(count(args.endDate) - count(args.startDate));
  }),
  $dateTrunc: overUnits(['date'], ['binSize'], ({ args, zone, unit, name }) => {
    const size = expectInteger(args.binSize ?? 1, 5439018, `binSize of ${name}`, 1);
    const bin = boundaries(toLocal(args.date, zone, name), unit, size);
    const months = UNIT_MONTHS[unit];
    if (months !== undefined) return new Date(dayMs(2000, 1 + bin * months * size, 1) - zone);
    return new Date(origin(unit) + bin * UNIT_MS[unit]! * size - zone);
  }),
};

/** The operand as local time; it must be a date or carry one (ObjectId, Timestamp). */
function toLocal(value: Value, zone: number, name: string): Date {
  if (value instanceof Date) return new Date(value.getTime() + zone);
  if (value instanceof ObjectId) return new Date(value.getTimestamp().getTime() + zone);
  if (value instanceof Timestamp) return new Date(value.t * 1000 + zone);
  throw new CommandError(16006, `${name}: can't convert from BSON type ${typeNameOrMissing(value)} to Date`);
}

const isUtc = (timezone: Value): boolean =>
  timezone === undefined || (typeof timezone === 'string' && /^(UTC|GMT|Z)$/.test(timezone));

/** How far local time is ahead of UTC, in milliseconds: `+05:30`, `+0530`, `+05`, `UTC`; `null` if it is null. */
function zoneOf(args: Record<string, Value>): number | null {
  if ('timezone' in args && isNullish(args.timezone)) return null;
  if (isUtc(args.timezone)) return 0;
  const name = expectText(args.timezone, 40517, 'timezone');
  const fixed = /^([+-])(\d{2}):?(\d{2})?$/.exec(name);
  if (fixed) return Number(`${fixed[1]}1`) * (Number(fixed[2]) * 60 + Number(fixed[3] ?? 0)) * MINUTE_MS;
  if (/^[A-Za-z]/.test(name)) throw unsupported(`the timezone ${name} (only UTC and offsets such as +02:00)`);
  throw new CommandError(40485, `unrecognized time zone identifier: "${name}"`);
}

/** `{$year: date}` or `{$year: {date, timezone}}`. */
function part(read: (local: Date) => number): OperatorCompiler {
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

interface InUnits {
  readonly args: Record<string, Value>;
  readonly zone: number;
  readonly unit: string;
  readonly name: string;
}

/** An operator with a `unit` and a `timezone`; null if any operand is. Weeks begin on Sunday. */
function overUnits(
  required: readonly string[],
  optional: readonly string[],
  apply: (given: InUnits) => Value,
): OperatorCompiler {
  const evaluate = (args: Record<string, Value>, name: string): Value => {
    const zone = zoneOf(args);
    if (zone === null || Object.values(args).some(isNullish)) return null;
    const unit = expectText(args.unit, 5439013, `unit of ${name}`);
    if (unit in UNIT_MS || unit in UNIT_MONTHS) return apply({ args, zone, unit, name });
    throw new CommandError('FailedToParse', `${name}: unknown time unit value: ${unit}`);
  };
  return named([...required, 'unit'], [...optional, 'timezone'], evaluate, ['startOfWeek']);
}

/** `$dateAdd` and `$dateSubtract`. Where a month has no such day, its last one is taken. */
function shift(sign: 1 | -1): OperatorCompiler {
  return overUnits(['startDate', 'amount'], [], ({ args, zone, unit, name }) => {
    const amount = sign * expectInteger(args.amount, 5166405, `amount of ${name}`);
    const local = toLocal(args.startDate, zone, name);
    const months = UNIT_MONTHS[unit];
    const ms =
      months === undefined
        ? local.getTime() + UNIT_MS[unit]! * amount
        : shiftedMonths(local, months * amount);
    const result = new Date(ms - zone);
    if (Number.isNaN(result.getTime()))
      throw new CommandError(5166406, `${name} overflows: ${amount} ${unit}`);
    return result;
  });
}

function shiftedMonths(local: Date, months: number): number {
  const month = monthNumber(local) + months + 1;
  const lastDay = new Date(dayMs(2000, month + 1, 0)).getUTCDate();
  const time = ((local.getTime() % DAY_MS) + DAY_MS) % DAY_MS;
  return dayMs(2000, month, Math.min(local.getUTCDate(), lastDay)) + time;
}

/** Milliseconds of a day; month and day may overflow. Years below 100 mean themselves. */
const dayMs = (year: number, month: number, day: number): number =>
  new Date(0).setUTCFullYear(year, month - 1, day);

const dayOfYear = (local: Date): number =>
  Math.floor((local.getTime() - dayMs(local.getUTCFullYear(), 1, 1)) / DAY_MS) + 1;

const monthNumber = (local: Date): number => (local.getUTCFullYear() - 2000) * 12 + local.getUTCMonth();

/** Where bins are counted from: 2000-01-01, for weeks the Sunday after it. */
const origin = (unit: string): number => dayMs(2000, 1, unit === 'week' ? 2 : 1);

/** Number of the bin of `size` units that a local time lies in. */
function boundaries(local: Date, unit: string, size: number): number {
  const months = UNIT_MONTHS[unit];
  if (months !== undefined) return Math.floor(monthNumber(local) / (months * size));
  return Math.floor((local.getTime() - origin(unit)) / (UNIT_MS[unit]! * size));
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** The specifiers of `$dateToString`. */
const SPECIFIERS: Readonly<Record<string, (local: Date, zone: number) => string>> = {
  Y: (local) => pad(local.getUTCFullYear(), 4),
  m: (local) => pad(local.getUTCMonth() + 1, 2),
  d: (local) => pad(local.getUTCDate(), 2),
  H: (local) => pad(local.getUTCHours(), 2),
  M: (local) => pad(local.getUTCMinutes(), 2),
  S: (local) => pad(local.getUTCSeconds(), 2),
  L: (local) => pad(local.getUTCMilliseconds(), 3),
  j: (local) => pad(dayOfYear(local), 3),
  z: (_local, zone) => {
    const minutes = Math.abs(zone / MINUTE_MS);
    return `${zone < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${pad(minutes % 60, 2)}`;
  },
  '%': () => '%',
};

function formatDate(local: Date, format: string, zone: number): string {
  const year = local.getUTCFullYear();
  if (year < 0 || year > 9999)
    throw new CommandError(18537, `$dateToString is only defined on year 0-9999, got ${year}`);
  return format.replace(/%([^]?)/gu, (_, specifier: string) => {
    if (Object.hasOwn(SPECIFIERS, specifier)) return SPECIFIERS[specifier]!(local, zone);
    if (/^[bBuUVGwZ]$/.test(specifier)) throw unsupported(`the date format specifier %${specifier}`);
    throw new CommandError(18536, `Invalid format character '%${specifier}' in format string`);
  });
}

const ISO =
  /^(\d{4})-(\d\d?)(?:-(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?|UTC|GMT)?$/;

/**
 * Reads an ISO 8601 date with or without time; `zone` is the offset where the text has none.
 * @throws CommandError ConversionFailure (241); CommandNotSupported (115) for other notations that MongoDB may read.
 */
export function parseDate(text: string, zone: number): Date {
  const match = ISO.exec(text.trim());
  if (!match && /\d/.test(text) && !Number.isNaN(Date.parse(text)))
    throw unsupported(`the date notation of '${text}'`);
  const [years, months, days = 1, hours = 0, minutes = 0, seconds = 0] =
    match?.slice(1, 7).map((digits?: string) => (digits === undefined ? undefined : Number(digits))) ?? [];
  const [, fraction = '0', offset] = match?.slice(6) ?? [];
  const day = new Date(dayMs(years ?? NaN, months ?? NaN, days));
  const exists = day.getUTCMonth() + 1 === months && day.getUTCDate() === days;
  if (!exists || hours > 23 || minutes > 59 || seconds > 59 || (offset && zone !== 0)) {
    throw new CommandError(
      'ConversionFailure',
      `Error parsing date string '${text}': expected an existing ISO 8601 date`,
    );
  }
  const time =
    (hours * 60 + minutes) * MINUTE_MS + seconds * 1000 + Math.floor(Number(`0.${fraction}`) * 1000);
  return new Date(day.getTime() + time - (offset ? zoneOf({ timezone: offset })! : zone));
}
