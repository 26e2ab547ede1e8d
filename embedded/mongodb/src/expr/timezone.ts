import { CommandError } from '../errors.js';

const MINUTE_MS = 60_000;

/** A timezone: how far local time is ahead of UTC at an instant, in milliseconds. */
export interface Timezone {
  readonly isUtc: boolean;
  offsetAt(ms: number): number;
}

export const UTC: Timezone = { isUtc: true, offsetAt: () => 0 };

const zones = new Map<string, Timezone>();

/** Reads `+05:30`, `+0530`, `+05`, `UTC`, `GMT`, `Z` or an Olson name. @throws CommandError 40485 */
export function timezone(name: string): Timezone {
  let zone = zones.get(name);
  if (!zone) zones.set(name, (zone = read(name)));
  return zone;
}

function read(name: string): Timezone {
  if (name === 'UTC' || name === 'GMT' || name === 'Z') return UTC;
  const fixed = /^([+-])(\d{2})(?::?(\d{2}))?$/.exec(name);
  if (fixed) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3] ?? 0);
    const offset = (fixed[1] === '-' ? -minutes : minutes) * MINUTE_MS;
    return { isUtc: false, offsetAt: () => offset };
  }
  if (!/^[A-Za-z]/.test(name)) throw unknownZone(name);
  return olson(name);
}

function olson(name: string): Timezone {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'iso8601',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw unknownZone(name);
  }
  return { isUtc: false, offsetAt: (ms) => localTime(format, ms) - Math.floor(ms / 1000) * 1000 };
}

function localTime(format: Intl.DateTimeFormat, ms: number): number {
  const parts = new Map(format.formatToParts(ms).map((part) => [part.type, part.value]));
  const field = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name));
  const year = parts.get('era')?.startsWith('B') ? 1 - field('year') : field('year');
  return civilMs(year, field('month'), field('day'), field('hour'), field('minute'), field('second'));
}

/** Milliseconds of a local date and time if it were UTC; fields may overflow. Years below 100 mean themselves. */
export function civilMs(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
  ms = 0,
): number {
  const date = new Date(Date.UTC(2000, 0, 1, hour, minute, second, ms));
  const time = date.getTime() - Date.UTC(2000, 0, 1);
  return new Date(0).setUTCFullYear(year, month - 1, day) + time;
}

/** Local time as if it were UTC, so that the UTC getters of a Date read it. */
export function toLocal(ms: number, zone: Timezone): number {
  return ms + zone.offsetAt(ms);
}

/** The instant of a local time. Where clocks go back the earlier one, where they go forward the one behind the gap. */
export function fromLocal(localMs: number, zone: Timezone): number {
  const guess = localMs - zone.offsetAt(localMs);
  const instant = localMs - zone.offsetAt(guess);
  return instant + zone.offsetAt(instant) === localMs ? instant : Math.max(guess, instant);
}

function unknownZone(name: string): CommandError {
  return new CommandError(40485, `unrecognized time zone identifier: "${name}"`);
}
