const DAY_MS = 86_400_000;

/** Calendar fields of a local time that is given as a Date whose UTC getters read it. */
export function dayOfYear(local: Date): number {
  return (
    Math.floor((local.getTime() - new Date(0).setUTCFullYear(local.getUTCFullYear(), 0, 1)) / DAY_MS) + 1
  );
}

/** 1 for Monday to 7 for Sunday. */
export function isoDayOfWeek(local: Date): number {
  return local.getUTCDay() || 7;
}

/** ISO 8601 week and the year it belongs to: the week of its Thursday. */
export function isoWeek(local: Date): { week: number; year: number } {
  const thursday = new Date(local.getTime() + (4 - isoDayOfWeek(local)) * DAY_MS);
  return { week: Math.floor((dayOfYear(thursday) - 1) / 7) + 1, year: thursday.getUTCFullYear() };
}

/** 0 to 53: weeks begin on Sunday, the days before the first Sunday are week 0. */
export function weekOfYear(local: Date): number {
  return Math.floor((dayOfYear(local) + 6 - local.getUTCDay()) / 7);
}

/** Start of an ISO 8601 week, in milliseconds. */
export function isoWeekStart(year: number, week: number): number {
  const fourth = new Date(new Date(0).setUTCFullYear(year, 0, 4));
  return fourth.getTime() + (1 - isoDayOfWeek(fourth) + (week - 1) * 7) * DAY_MS;
}

export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
