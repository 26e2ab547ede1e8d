import { ObjectId, Timestamp } from 'bson';
import { isNullish, typeNameOrMissing } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { integerOperand } from './arrays.js';
import { dayOfYear, isoDayOfWeek, isoWeek, isoWeekStart, weekOfYear } from './calendar.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { addToDate, checkUnit, dateDifference, truncateDate, weekday } from './date-arithmetic.js';
import { formatDate } from './date-format.js';
import { parseDate, parseIsoDate } from './date-parsing.js';
import { listOf, named, namedOperands } from './operands.js';
import { textOperand } from './strings.js';
import { civilMs, fromLocal, timezone, toLocal, UTC, type Timezone } from './timezone.js';

/** Expressions over dates. */
export const DATES: OperatorTable = {
  $year: part((local) => local.getUTCFullYear()),
  $month: part((local) => local.getUTCMonth() + 1),
  $dayOfMonth: part((local) => local.getUTCDate()),
  $dayOfWeek: part((local) => local.getUTCDay() + 1),
  $dayOfYear: part(dayOfYear),
  $hour: part((local) => local.getUTCHours()),
  $minute: part((local) => local.getUTCMinutes()),
  $second: part((local) => local.getUTCSeconds()),
  $millisecond: part((local) => local.getUTCMilliseconds()),
  $week: part(weekOfYear),
  $isoWeek: part((local) => isoWeek(local).week),
  $isoWeekYear: part((local) => BigInt(isoWeek(local).year)),
  $isoDayOfWeek: part(isoDayOfWeek),
  $dateToParts: named(['date'], ['timezone', 'iso8601'], (args, name) => {
    const zone = zoneOperand(args, name);
    if (isNullish(args.date) || zone === null || ('iso8601' in args && isNullish(args.iso8601))) return null;
    return parts(new Date(toLocal(dateOperand(args.date, name).getTime(), zone)), args.iso8601 === true);
  }),
  $dateFromParts: named(
    [],
    [
      'year',
      'month',
      'day',
      'isoWeekYear',
      'isoWeek',
      'isoDayOfWeek',
      'hour',
      'minute',
      'second',
      'millisecond',
      'timezone',
    ],
    fromParts,
  ),
  $dateToString: named(['date'], ['format', 'timezone', 'onNull'], (args, name) => {
    const zone = zoneOperand(args, name);
    if (isNullish(args.date)) return 'onNull' in args ? args.onNull : null;
    if (zone === null || ('format' in args && isNullish(args.format))) return null;
    const standard = `%Y-%m-%dT%H:%M:%S.%L${zone.isUtc ? 'Z' : ''}`;
    const format = args.format === undefined ? standard : textOperand(args.format, name, 18533);
    return formatDate(dateOperand(args.date, name), format, zone);
  }),
  $dateFromString: dateFromString(),
  $dateAdd: named(['startDate', 'unit', 'amount'], ['timezone'], (args, name) => shift(args, name, 1)),
  $dateSubtract: named(['startDate', 'unit', 'amount'], ['timezone'], (args, name) => shift(args, name, -1)),
  $dateDiff: named(['startDate', 'endDate', 'unit'], ['timezone', 'startOfWeek'], (args, name) => {
    const zone = zoneOperand(args, name);
    if (zone === null || [args.startDate, args.endDate, args.unit].some(isNullish)) return null;
    const unit = unitOperand(args.unit, name);
    const start = startOfWeek(args, unit, name);
    if (start === null) return null;
    return BigInt(
      dateDifference(dateOperand(args.startDate, name), dateOperand(args.endDate, name), unit, zone, start),
    );
  }),
  $dateTrunc: named(['date', 'unit'], ['binSize', 'timezone', 'startOfWeek'], (args, name) => {
    const zone = zoneOperand(args, name);
    if (zone === null || isNullish(args.date) || isNullish(args.unit)) return null;
    if ('binSize' in args && isNullish(args.binSize)) return null;
    const unit = unitOperand(args.unit, name);
    const start = startOfWeek(args, unit, name);
    if (start === null) return null;
    const size = args.binSize === undefined ? 1 : integerOperand(args.binSize, name, 5439017);
    if (size <= 0)
      throw new CommandError(
        5439018,
        `$dateTrunc requires 'binSize' to be greater than 0, but got value ${size}`,
      );
    return truncateDate(dateOperand(args.date, name), unit, size, zone, start);
  }),
};

/** The operand, which must be a date or carry one (ObjectId, Timestamp). */
function dateOperand(value: Value, name: string): Date {
  if (value instanceof Date) return value;
  if (value instanceof ObjectId) return value.getTimestamp();
  if (value instanceof Timestamp) return new Date(value.t * 1000);
  throw new CommandError(16006, `${name}: can't convert from BSON type ${typeNameOrMissing(value)} to Date`);
}

/** The timezone operand: UTC if absent, `null` if it is null. */
function zoneOperand(args: Record<string, Value>, name: string): Timezone | null {
  if (!('timezone' in args)) return UTC;
  return isNullish(args.timezone) ? null : timezone(textOperand(args.timezone, name, 40517));
}

function unitOperand(value: Value, name: string): string {
  return checkUnit(name, textOperand(value, name, 5439013));
}

function startOfWeek(args: Record<string, Value>, unit: string, name: string): number | null {
  if (unit !== 'week' || !('startOfWeek' in args)) return 0;
  return isNullish(args.startOfWeek) ? null : weekday(name, textOperand(args.startOfWeek, name, 5439015));
}

function part(read: (local: Date) => BValue): OperatorCompiler {
  return (operand, compiler, name) => {
    const isNamed = operand instanceof BDoc && operand.has('date');
    const args = isNamed ? namedOperands(operand, name, ['date'], ['timezone']) : undefined;
    const list = args ? [args.get('date')!] : listOf(operand);
    if (list.length !== 1)
      throw new CommandError(
        40536,
        `${name} accepts exactly one argument if given an array, but was given ${list.length}`,
      );
    const date = compiler.compile(list[0]!);
    const zoneName = args?.has('timezone') ? compiler.compile(args.get('timezone')!) : undefined;
    return (scope) => {
      const value = date(scope);
      const zone = zoneName ? zoneOperand({ timezone: zoneName(scope) }, name) : UTC;
      if (isNullish(value) || zone === null) return null;
      return read(new Date(toLocal(dateOperand(value, name).getTime(), zone)));
    };
  };
}

function parts(local: Date, iso: boolean): BDoc {
  const { week, year } = isoWeek(local);
  const days: [string, BValue][] = iso
    ? [
        ['isoWeekYear', year],
        ['isoWeek', week],
        ['isoDayOfWeek', isoDayOfWeek(local)],
      ]
    : [
        ['year', local.getUTCFullYear()],
        ['month', local.getUTCMonth() + 1],
        ['day', local.getUTCDate()],
      ];
  return BDoc.of(
    ...days,
    ['hour', local.getUTCHours()],
    ['minute', local.getUTCMinutes()],
    ['second', local.getUTCSeconds()],
    ['millisecond', local.getUTCMilliseconds()],
  );
}

function fromParts(args: Record<string, Value>, name: string): Value {
  const iso = 'isoWeekYear' in args;
  if (iso === 'year' in args) {
    throw new CommandError(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present");
  }
  const foreign = (iso ? ['month', 'day'] : ['isoWeek', 'isoDayOfWeek']).find((key) => key in args);
  if (foreign)
    throw new CommandError(
      40489,
      `$dateFromParts does not allow mixing natural dates with ISO dates: ${foreign}`,
    );
  const zone = zoneOperand(args, name);
  if (zone === null || Object.values(args).some(isNullish)) return null;
  const field = (key: string, fallback: number): number =>
    args[key] === undefined ? fallback : integerOperand(args[key], name, 40515);
  const year = field(iso ? 'isoWeekYear' : 'year', 0);
  if (year < 1 || year > 9999)
    throw new CommandError(40523, `'year' must evaluate to an integer in the range 1 to 9999, found ${year}`);
  const day = iso
    ? isoWeekStart(year, field('isoWeek', 1)) + (field('isoDayOfWeek', 1) - 1) * 86_400_000
    : civilMs(year, field('month', 1), field('day', 1));
  const time = civilMs(
    1970,
    1,
    1,
    field('hour', 0),
    field('minute', 0),
    field('second', 0),
    field('millisecond', 0),
  );
  return new Date(fromLocal(day + time, zone));
}

function shift(args: Record<string, Value>, name: string, sign: 1 | -1): Value {
  const zone = zoneOperand(args, name);
  if (zone === null || [args.startDate, args.unit, args.amount].some(isNullish)) return null;
  const amount = integerOperand(args.amount, name, 5166405);
  return addToDate(dateOperand(args.startDate, name), unitOperand(args.unit, name), sign * amount, zone);
}

function dateFromString(): OperatorCompiler {
  return (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['dateString'], ['format', 'timezone', 'onError', 'onNull']);
    const compiled = new Map([...args].map(([key, value]) => [key, compiler.compile(value)]));
    return (scope) => {
      const read = (key: string): Value => compiled.get(key)?.(scope);
      const text = read('dateString');
      if (isNullish(text)) return compiled.has('onNull') ? read('onNull') : null;
      const zone = read('timezone');
      const format = read('format');
      if ((compiled.has('timezone') && isNullish(zone)) || (compiled.has('format') && isNullish(format)))
        return null;
      const zoneName = zone === undefined ? undefined : textOperand(zone, name, 40517);
      if (zoneName !== undefined) timezone(zoneName);
      try {
        if (typeof text !== 'string') {
          throw new CommandError(
            'ConversionFailure',
            `$dateFromString requires that 'dateString' be a string, found: ${typeNameOrMissing(text)}`,
          );
        }
        return format === undefined
          ? parseIsoDate(text, zoneName)
          : parseDate(text, textOperand(format, name, 40684), zoneName);
      } catch (error) {
        if (
          compiled.has('onError') &&
          error instanceof CommandError &&
          error.codeName === 'ConversionFailure'
        )
          return read('onError');
        throw error;
      }
    };
  };
}
