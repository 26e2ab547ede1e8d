import { CommandError, unsupported } from '../errors.js';
import { isoWeekStart, MONTHS } from './calendar.js';
import { civilMs, fromLocal, timezone, UTC, type Timezone } from './timezone.js';

const ISO =
  /^(\d{4})-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?)?\s*(Z|[+-]\d{2}:?\d{2}|[+-]\d{2}|UTC|GMT)?$/;

function failure(text: string, reason: string): CommandError {
  return new CommandError('ConversionFailure', `Error parsing date string '${text}'; ${reason}`);
}

/**
 * Reads an ISO 8601 date with or without time.
 * @throws CommandError ConversionFailure (241); CommandNotSupported (115) for other notations that MongoDB may read.
 */
export function parseIsoDate(text: string, zoneName: string | undefined): Date {
  const match = ISO.exec(text.trim());
  if (!match) {
    if (!Number.isNaN(Date.parse(text)) && /\d/.test(text))
      throw unsupported(`the date notation of '${text}'`);
    throw failure(text, 'expected an ISO 8601 date');
  }
  const [, year, month, day = '1', hour = '0', minute = '0', second = '0', fraction = '', offset] = match;
  const parts = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Math.floor(Number(`0.${fraction || '0'}`) * 1000);
  return dateOf(text, { parts, ms, zone: zoneOf(text, offset, zoneName) });
}

function zoneOf(text: string, inText: string | undefined, given: string | undefined): Timezone {
  if (inText === undefined) return given === undefined ? UTC : timezone(given);
  if (given !== undefined && given !== 'UTC') {
    throw failure(
      text,
      `you cannot pass in a date/time string with time zone information ('${inText}') together with a timezone argument`,
    );
  }
  return timezone(inText);
}

interface Fields {
  readonly parts: [year: number, month: number, day: number, hour: number, minute: number, second: number];
  readonly ms: number;
  readonly zone: Timezone;
}

function dateOf(text: string, { parts, ms, zone }: Fields): Date {
  const [year, month, day, hour, minute, second] = parts;
  const local = new Date(civilMs(year, month, day, hour, minute, second, ms));
  const valid =
    local.getUTCMonth() === month - 1 &&
    local.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  if (!valid) throw failure(text, 'the date or time does not exist');
  return new Date(fromLocal(local.getTime(), zone));
}

/** Patterns of the specifiers that `$dateFromString` reads. */
const SPECIFIERS: Readonly<Record<string, string>> = {
  d: '\\d{1,2}',
  m: '\\d{1,2}',
  Y: '\\d{4}',
  H: '\\d{1,2}',
  M: '\\d{1,2}',
  S: '\\d{1,2}',
  L: '\\d{1,3}',
  j: '\\d{1,3}',
  u: '[1-7]',
  V: '\\d{1,2}',
  G: '\\d{4}',
  z: 'Z|[+-]\\d{2}:?\\d{2}',
  b: MONTHS.map((name) => name.slice(0, 3)).join('|'),
  B: MONTHS.join('|'),
};

/** Reads a date by the specifiers of `$dateFromString`. */
export function parseDate(text: string, format: string, zoneName: string | undefined): Date {
  const names: string[] = [];
  const source = format.replaceAll(
    /%([^]?)|[$()*+./?[\\\]^{|}-]/gu,
    (token, specifier: string | undefined) => {
      if (specifier === undefined) return `\\${token}`;
      if (specifier === '%') return '%';
      const pattern = SPECIFIERS[specifier];
      if (!pattern) {
        if (/^[wUZ]$/.test(specifier))
          throw unsupported(`the date format specifier %${specifier} in $dateFromString`);
        throw new CommandError(18536, `Invalid format character '%${specifier}' in format string`);
      }
      names.push(specifier);
      return `(${pattern})`;
    },
  );
  const match = new RegExp(`^${source}$`, 'iu').exec(text);
  if (!match) throw failure(text, `it does not have the format '${format}'`);
  return assembled(text, new Map(names.map((name, i) => [name, match[i + 1]!])), zoneName);
}

function assembled(text: string, fields: Map<string, string>, zoneName: string | undefined): Date {
  const number = (name: string, fallback: number): number =>
    fields.has(name) ? Number(fields.get(name)) : fallback;
  const zone = zoneOf(text, fields.get('z')?.toUpperCase(), zoneName);
  const time: [number, number, number] = [number('H', 0), number('M', 0), number('S', 0)];
  const ms = Number((fields.get('L') ?? '0').padEnd(3, '0'));
  if (fields.has('G') || fields.has('V') || fields.has('u')) {
    if (!fields.has('G')) throw failure(text, 'an ISO week needs its year');
    const start = new Date(
      isoWeekStart(number('G', 1970), number('V', 1)) + (number('u', 1) - 1) * 86_400_000,
    );
    const parts = [
      start.getUTCFullYear(),
      start.getUTCMonth() + 1,
      start.getUTCDate(),
      ...time,
    ] as Fields['parts'];
    return dateOf(text, { parts, ms, zone });
  }
  if (!fields.has('Y')) throw failure(text, 'no year was found');
  if (fields.has('j')) {
    const start = new Date(civilMs(number('Y', 1970), 1, number('j', 1)));
    return dateOf(text, {
      parts: [start.getUTCFullYear(), start.getUTCMonth() + 1, start.getUTCDate(), ...time],
      ms,
      zone,
    });
  }
  const name = fields.get('b') ?? fields.get('B');
  const month = name
    ? MONTHS.findIndex((one) => one.slice(0, 3).toLowerCase() === name.slice(0, 3).toLowerCase()) + 1
    : number('m', 1);
  return dateOf(text, { parts: [number('Y', 1970), month, number('d', 1), ...time], ms, zone });
}
