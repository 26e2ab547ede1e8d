import { CommandError, unsupported } from '../errors.js';
import { dayOfYear, isoDayOfWeek, isoWeek, MONTHS, weekOfYear } from './calendar.js';
import { toLocal, type Timezone } from './timezone.js';

/** Writes a date by the specifiers of `$dateToString`. @throws CommandError 18536 for an unknown specifier. */
export function formatDate(date: Date, format: string, zone: Timezone): string {
  const local = new Date(toLocal(date.getTime(), zone));
  const offset = zone.offsetAt(date.getTime());
  return format.replace(/%([^]?)/gu, (_, specifier: string) => specified(specifier, local, offset));
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

function specified(specifier: string, local: Date, offsetMs: number): string {
  switch (specifier) {
    case 'd':
      return pad(local.getUTCDate(), 2);
    case 'm':
      return pad(local.getUTCMonth() + 1, 2);
    case 'Y':
      return year(local.getUTCFullYear());
    case 'H':
      return pad(local.getUTCHours(), 2);
    case 'M':
      return pad(local.getUTCMinutes(), 2);
    case 'S':
      return pad(local.getUTCSeconds(), 2);
    case 'L':
      return pad(local.getUTCMilliseconds(), 3);
    case 'j':
      return pad(dayOfYear(local), 3);
    case 'w':
      return String(local.getUTCDay() + 1);
    case 'u':
      return String(isoDayOfWeek(local));
    case 'U':
      return pad(weekOfYear(local), 2);
    case 'V':
      return pad(isoWeek(local).week, 2);
    case 'G':
      return year(isoWeek(local).year);
    case 'b':
      return MONTHS[local.getUTCMonth()]!.slice(0, 3);
    case 'B':
      return MONTHS[local.getUTCMonth()]!;
    case 'z':
      return offsetText(offsetMs);
    case 'Z':
      throw unsupported('the date format specifier %Z');
    case '%':
      return '%';
    case '':
      throw new CommandError(18535, "Unmatched '%' at end of format string");
    default:
      throw new CommandError(18536, `Invalid format character '%${specifier}' in format string`);
  }
}

function year(value: number): string {
  if (value >= 0 && value <= 9999) return pad(value, 4);
  throw new CommandError(18537, `$dateToString is only defined on year 0-9999, tried to use year ${value}`);
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(Math.trunc(offsetMs / 60_000));
  return `${offsetMs < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${pad(minutes % 60, 2)}`;
}
