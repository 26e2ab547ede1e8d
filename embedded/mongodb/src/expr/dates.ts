import { ObjectId, Timestamp } from 'bson';
import { expectInteger, expectText } from '../bson/expect.js';
import { isNullish, typeNameOrMissing } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { listOf, named, namedOperands, orElse } from './operands.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: MINUTE_MS,
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
};
const UNIT_MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);

/** What an expression asks of a date. `local` is the local time, read with the UTC getters. */
const PARTS: Readonly<Record<string, (local: Date) => number>> = {
  $year: (local) => local.getUTCFullYear(),
  $month: (local) => local.getUTCMonth() + 1,
  $dayOfMonth: (local) => local.getUTCDate(),
  $dayOfWeek: (local) => local.getUTCDay() + 1,
  $isoDayOfWeek: (local) => local.getUTCDay() || 7,
  $dayOfYear: dayOfYear,
  $week: (local) => Math.floor((dayOfYear(local) + 6 - local.getUTCDay()) / 7),
  $hour: (local) => local.getUTCHours(),
  $minute: (local) => local.getUTCMinutes(),
  $second: (local) => local.getUTCSeconds(),
  $millisecond: (local) => local.getUTCMilliseconds(),
};

/** Expressions over dates. Timezones are UTC or fixed offsets. */
export const DATES: OperatorTable = {
  ...Object.fromEntries(Object.entries(PARTS).map(([name, read]) => [name, part(read)])),
  $dateFromParts: named(
    ['year'],
    ['month', 'day', 'hour', 'minute', 'second', 'millisecond', 'timezone'],
    (args, name) => {
      const zone = zoneOf(args);
      if (zone === null || Object.values(args).some(isNullish)) return null;
      const field = (key: string, fallback: number): number =>
        expectInteger(args[key] ?? fallback, 40515, `${key} of ${name}`);
      const year = field('year', 0);
      if (year < 1 || year > 9999)
        throw new CommandError(40523, `${name}: 'year' ${year} is not in 1 to 9999`);
      const time = [
        field('hour', 0),
        field('minute', 0),
        field('second', 0),
        field('millisecond', 0),
      ] as const;
      return new Date(civilMs(year, field('month', 1), field('day', 1), ...time) - zone);
    },
  ),
  $dateToString: named(['date'], ['format', 'timezone', 'onNull'], (args, name) => {
    const zone = zoneOf(args);
    if (isNullish(args.date)) return 'onNull' in args ? args.onNull : null;
    if (zone === null || ('format' in args && isNullish(args.format))) return null;
    const standard = `%Y-%m-%dT%H:%M:%S.%L${isUtc(args.timezone) ? 'Z' : ''}`;
    return formatDate(
      toLocal(args.date, zone, name),
      expectText(args.format ?? standard, 18533, `format of ${name}`),
      zone,
    );
  }),
  $dateFromString: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['dateString'], ['format', 'timezone', 'onError', 'onNull']);
    if (args.has('format')) throw unsupported('$dateFromString with a format');
    const text = compiler.compile(args.get('dateString')!);
    const timezone = compiler.compile(args.get('timezone') ?? 'UTC');
    const onNull = compiler.compile(args.get('onNull') ?? null);
    const onError = args.has('onError') ? compiler.compile(args.get('onError')!) : undefined;
    return (scope) => {
      const value = text(scope);
      if (isNullish(value)) return onNull(scope);
      const zone = zoneOf({ timezone: timezone(scope) });
      if (zone === null) return null;
      const parse = (): Date =>
        parseDate(expectText(value, 'ConversionFailure', `dateString of ${name}`), zone);
      return orElse(parse, onError && ((): Value => onError(scope)));
    };
  },
  $dateAdd: named(['startDate', 'unit', 'amount'], ['timezone'], (args, name) => shift(args, name, 1)),
  $dateSubtract: named(['startDate', 'unit', 'amount'], ['timezone'], (args, name) => shift(args, name, -1)),
  $dateDiff: named(['startDate', 'endDate', 'unit'], ['timezone', 'startOfWeek'], (args, name) => {
    const zone = zoneOf(args);
    if (zone === null || Object.values(args).some(isNullish)) return null;
    const unit = unitOf(args.unit, name);
    const count = (date: Value): number =>
      boundaries(toLocal(date, zone, name), unit, 1, startOfWeek(args, name));
    return BigInt(count(args.endDate) - count(args.startDate));
  }),
  $dateTrunc: named(['date', 'unit'], ['binSize', 'timezone', 'startOfWeek'], (args, name) => {
    const zone = zoneOf(args);
    if (zone === null || Object.values(args).some(isNullish)) return null;
    const unit = unitOf(args.unit, name);
    const size = expectInteger(args.binSize ?? 1, 5439018, `binSize of ${name}`, 1);
    const first = startOfWeek(args, name);
    const bin = boundaries(toLocal(args.date, zone, name), unit, size, first);
    const months = UNIT_MONTHS[unit];
    if (months !== undefined) return new Date(civilMs(2000, 1 + bin * months * size, 1) - zone);
    return new Date(origin(unit, first) + bin * UNIT_MS[unit]! * size - zone);
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

function unitOf(value: Value, name: string): string {
  const unit = expectText(value, 5439013, `unit of ${name}`);
  if (unit in UNIT_MS || unit in UNIT_MONTHS) return unit;
  throw new CommandError('FailedToParse', `${name}: unknown time unit value: ${unit}`);
}

/** 0 for Sunday to 6 for Saturday. */
function startOfWeek({ startOfWeek: given = 'sunday' }: Record<string, Value>, name: string): number {
  const text = expectText(given, 5439015, `startOfWeek of ${name}`).toLowerCase();
  const at = WEEKDAYS.findIndex((day) => day === text || day.slice(0, 3) === text);
  if (at >= 0) return at;
  throw new CommandError('FailedToParse', `${name}: unknown day of week value: ${text}`);
}

/** Expression `{$year: date}` or `{$year: {date, timezone}}`. */
function part(read: (local: Date) => number): OperatorCompiler {
  return (operand, compiler, name) => {
    const isNamed = operand instanceof BDoc && operand.has('date');
    const args = isNamed ? namedOperands(operand, name, ['date'], ['timezone']) : undefined;
    const list: BValue[] = args ? [args.get('date')!] : listOf(operand);
    if (list.length !== 1)
      throw new CommandError(40536, `${name} accepts exactly one argument, got ${list.length}`);
    const date = compiler.compile(list[0]!);
    const timezone = compiler.compile(args?.get('timezone') ?? 'UTC');
    return (scope) => {
      const value = date(scope);
      const zone = zoneOf({ timezone: timezone(scope) });
      return isNullish(value) || zone === null ? null : read(toLocal(value, zone, name));
    };
  };
}

function dayOfYear(local: Date): number {
  return Math.floor((local.getTime() - civilMs(local.getUTCFullYear(), 1, 1)) / DAY_MS) + 1;
}

/** Milliseconds of a date and time; fields may overflow. Years below 100 mean themselves. */
function civilMs(year: number, month: number, day: number, hour = 0, minute = 0, second = 0, ms = 0): number {
  const time = hour * UNIT_MS.hour! + minute * MINUTE_MS + second * 1000 + ms;
  return new Date(0).setUTCFullYear(year, month - 1, day) + time;
}

const monthNumber = (local: Date): number => (local.getUTCFullYear() - 2000) * 12 + local.getUTCMonth();

/** Where bins are counted from: 2000-01-01, for weeks the first day of a week that is not before it. */
const origin = (unit: string, firstDay: number): number =>
  civilMs(2000, 1, 1) + (unit === 'week' ? ((firstDay - 6 + 7) % 7) * DAY_MS : 0);

/** Number of the bin of `size` units that a local time lies in. */
function boundaries(local: Date, unit: string, size: number, firstDay: number): number {
  const months = UNIT_MONTHS[unit];
  if (months !== undefined) return Math.floor(monthNumber(local) / (months * size));
  return Math.floor((local.getTime() - origin(unit, firstDay)) / (UNIT_MS[unit]! * size));
}

/** `$dateAdd`. Where a month has no such day, its last one is taken. */
function shift(args: Record<string, Value>, name: string, sign: 1 | -1): Value {
  const zone = zoneOf(args);
  if (zone === null || Object.values(args).some(isNullish)) return null;
  const amount = sign * expectInteger(args.amount, 5166405, `amount of ${name}`);
  const unit = unitOf(args.unit, name);
  const local = toLocal(args.startDate, zone, name);
  const result = new Date(shiftedMs(local, unit, amount) - zone);
  if (Number.isNaN(result.getTime())) throw new CommandError(5166406, `${name} overflows: ${amount} ${unit}`);
  return result;
}

function shiftedMs(local: Date, unit: string, amount: number): number {
  const months = UNIT_MONTHS[unit];
  if (months === undefined) return local.getTime() + UNIT_MS[unit]! * amount;
  const month = monthNumber(local) + months * amount + 1;
  const lastDay = new Date(civilMs(2000, month + 1, 0)).getUTCDate();
  const midnight = civilMs(local.getUTCFullYear(), local.getUTCMonth() + 1, local.getUTCDate());
  return civilMs(2000, month, Math.min(local.getUTCDate(), lastDay)) + (local.getTime() - midnight);
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** The specifiers of `$dateToString`. */
const SPECIFIERS: Readonly<Record<string, (local: Date, zone: number) => string>> = {
  Y: (local) => year(local.getUTCFullYear()),
  m: (local) => pad(local.getUTCMonth() + 1, 2),
  d: (local) => pad(local.getUTCDate(), 2),
  H: (local) => pad(local.getUTCHours(), 2),
  M: (local) => pad(local.getUTCMinutes(), 2),
  S: (local) => pad(local.getUTCSeconds(), 2),
  L: (local) => pad(local.getUTCMilliseconds(), 3),
  j: (local) => pad(dayOfYear(local), 3),
  w: (local) => String(local.getUTCDay() + 1),
  u: (local) => String(local.getUTCDay() || 7),
  b: (local) => MONTHS[local.getUTCMonth()]!.slice(0, 3),
  B: (local) => MONTHS[local.getUTCMonth()]!,
  z: (_local, zone) => {
    const minutes = Math.abs(zone / MINUTE_MS);
    return `${zone < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${pad(minutes % 60, 2)}`;
  },
  '%': () => '%',
};

function formatDate(local: Date, format: string, zone: number): string {
  return format.replace(/%([^]?)/gu, (_, specifier: string) => {
    const write = Object.hasOwn(SPECIFIERS, specifier) ? SPECIFIERS[specifier] : undefined;
    if (write) return write(local, zone);
    if (/^[UVGZ]$/.test(specifier)) throw unsupported(`the date format specifier %${specifier}`);
    throw new CommandError(18536, `Invalid format character '%${specifier}' in format string`);
  });
}

function year(value: number): string {
  if (value >= 0 && value <= 9999) return pad(value, 4);
  throw new CommandError(18537, `$dateToString is only defined on year 0-9999, tried to use year ${value}`);
}

const ISO =
  /^(\d{4})-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?)?\s*(Z|[+-]\d{2}:?\d{2}|[+-]\d{2}|UTC|GMT)?$/;

/**
 * Reads an ISO 8601 date with or without time; `zone` is the offset where the text has none.
 * @throws CommandError ConversionFailure (241); CommandNotSupported (115) for other notations that MongoDB may read.
 */
export function parseDate(text: string, zone: number): Date {
  const match = ISO.exec(text.trim());
  if (!match && /\d/.test(text) && !Number.isNaN(Date.parse(text)))
    throw unsupported(`the date notation of '${text}'`);
  const [, years, months, day = '1', hour = '0', minute = '0', second = '0', fraction = '0', offset] =
    match ?? [];
  const local = new Date(
    civilMs(Number(years), Number(months), Number(day), Number(hour), Number(minute), Number(second)),
  );
  const exists =
    local.getUTCMonth() + 1 === Number(months) &&
    local.getUTCDate() === Number(day) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60;
  if (!exists || (offset && zone !== 0)) {
    throw new CommandError(
      'ConversionFailure',
      `Error parsing date string '${text}': expected an existing ISO 8601 date`,
    );
  }
  const milliseconds = Math.floor(Number(`0.${fraction}`) * 1000);
  return new Date(local.getTime() + milliseconds - (offset ? zoneOf({ timezone: offset })! : zone));
}
