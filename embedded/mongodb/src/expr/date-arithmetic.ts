import { CommandError } from '../errors.js';
import { civilMs, fromLocal, toLocal, type Timezone } from './timezone.js';

const MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};
const DAY_MS = MS.day!;
const MONTHS_IN: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** @throws CommandError FailedToParse (9) */
export function checkUnit(name: string, unit: string): string {
  if (unit in MS || unit in MONTHS_IN) return unit;
  throw new CommandError('FailedToParse', `${name}: unknown time unit value: ${unit}`);
}

/** 0 for Sunday to 6 for Saturday. @throws CommandError FailedToParse (9) */
export function weekday(name: string, text: string): number {
  const lower = text.toLowerCase();
  const at = WEEKDAYS.findIndex((day) => day === lower || day.slice(0, 3) === lower);
  if (at >= 0) return at;
  throw new CommandError('FailedToParse', `${name}: unknown day of week value: ${text}`);
}

/** Adds calendar units on the local clock, and hours and less on the absolute one. A month's end stays within its month. */
export function addToDate(date: Date, unit: string, amount: number, zone: Timezone): Date {
  const result = new Date(shifted(date.getTime(), unit, amount, zone));
  if (!Number.isNaN(result.getTime())) return result;
  throw new CommandError(5166406, `$dateAdd overflows: ${amount} ${unit}`);
}

function shifted(ms: number, unit: string, amount: number, zone: Timezone): number {
  const months = MONTHS_IN[unit];
  if (months !== undefined) return fromLocal(addMonths(toLocal(ms, zone), months * amount), zone);
  if (unit === 'day' || unit === 'week') return fromLocal(toLocal(ms, zone) + MS[unit]! * amount, zone);
  return ms + MS[unit]! * amount;
}

function addMonths(localMs: number, months: number): number {
  const local = new Date(localMs);
  const month = local.getUTCFullYear() * 12 + local.getUTCMonth() + months;
  const year = Math.floor(month / 12);
  const first = month - year * 12 + 1;
  const lastDay = new Date(civilMs(year, first + 1, 0)).getUTCDate();
  const day = Math.min(local.getUTCDate(), lastDay);
  return civilMs(year, first, day) + (((localMs % DAY_MS) + DAY_MS) % DAY_MS);
}

/** How many boundaries of the unit lie between two dates. */
export function dateDifference(
  start: Date,
  end: Date,
  unit: string,
  zone: Timezone,
  startOfWeek: number,
): number {
  const from = toLocal(start.getTime(), zone);
  const to = toLocal(end.getTime(), zone);
  const months = MONTHS_IN[unit];
  if (months !== undefined)
    return Math.floor(monthNumber(to) / months) - Math.floor(monthNumber(from) / months);
  if (unit === 'day') return dayNumber(to) - dayNumber(from);
  if (unit === 'week') return weekNumber(to, startOfWeek) - weekNumber(from, startOfWeek);
  if (unit === 'hour') {
    // Boundaries of the local hour; where the offset changes in between, the clock's jump is no hour that passed.
    const jump = zone.offsetAt(end.getTime()) - zone.offsetAt(start.getTime());
    return Math.floor((to - jump) / MS.hour!) - Math.floor(from / MS.hour!);
  }
  return Math.floor(end.getTime() / MS[unit]!) - Math.floor(start.getTime() / MS[unit]!);
}

function monthNumber(localMs: number): number {
  const local = new Date(localMs);
  return local.getUTCFullYear() * 12 + local.getUTCMonth();
}

const dayNumber = (localMs: number): number => Math.floor(localMs / DAY_MS);

/** 1970-01-01 was a Thursday (4). */
const weekNumber = (localMs: number, startOfWeek: number): number =>
  Math.floor((dayNumber(localMs) + ((4 - startOfWeek + 7) % 7)) / 7);

/** The start of the bin that a date lies in; bins are counted from 2000-01-01 of the timezone. */
export function truncateDate(
  date: Date,
  unit: string,
  binSize: number,
  zone: Timezone,
  startOfWeek: number,
): Date {
  const local = toLocal(date.getTime(), zone);
  const months = MONTHS_IN[unit];
  if (months !== undefined) {
    const bin = months * binSize;
    const since = Math.floor((monthNumber(local) - 24_000) / bin) * bin;
    return new Date(fromLocal(civilMs(2000, 1 + since, 1), zone));
  }
  const reference = civilMs(2000, 1, 1) + (unit === 'week' ? ((startOfWeek - 6 + 7) % 7) * DAY_MS : 0);
  const bin = MS[unit]! * binSize;
  if (unit === 'day' || unit === 'week') {
    return new Date(fromLocal(reference + Math.floor((local - reference) / bin) * bin, zone));
  }
  const origin = fromLocal(reference, zone);
  return new Date(origin + Math.floor((date.getTime() - origin) / bin) * bin);
}
