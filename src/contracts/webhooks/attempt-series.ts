import { z } from 'zod';
import { eventTypeName } from './names.js';
import { commaList, queryDate } from './page.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MAX_WINDOW_MS = 28 * DAY_MS;

const PERIODS = {
  FiveMinutes: { stepMs: 5 * MINUTE_MS, usualMs: DAY_MS, knownMs: 2 * DAY_MS - 60 * MINUTE_MS },
  OneHour: { stepMs: 60 * MINUTE_MS, usualMs: DAY_MS, knownMs: 34 * DAY_MS },
  OneDay: { stepMs: DAY_MS, usualMs: MAX_WINDOW_MS, knownMs: 399 * DAY_MS },
} as const;
type Period = keyof typeof PERIODS;
const period = z.enum(['OneDay', 'OneHour', 'FiveMinutes'], {
  error: 'expected OneDay, OneHour or FiveMinutes',
});

export const periodMs = (of: Period): number => PERIODS[of].stepMs;

interface Asked {
  startDate?: Date | undefined;
  endDate?: Date | undefined;
  period: Period;
}

/** The window a query names: up to now, and as long as is usual for the period where it leaves something out. */
export function seriesWindow({ startDate, endDate, period: of }: Asked, now: Date): { from: Date; to: Date } {
  const to = endDate ?? now;
  return { from: startDate ?? new Date(to.getTime() - PERIODS[of].usualMs), to };
}

const check = (holds: (from: number, to: number, query: Asked) => boolean) => (query: Asked) => {
  const { from, to } = seriesWindow(query, new Date());
  return holds(from.getTime(), to.getTime(), query);
};
const path = ['startDate'];

export const attemptSeriesQuery = z
  .object({
    startDate: queryDate,
    endDate: queryDate,
    period: period.default('OneHour'),
    event_types: commaList(eventTypeName),
  })
  .refine(
    check((from, to) => from < to),
    { error: 'expected startDate to be earlier than endDate', path },
  )
  .refine(
    check((from, to) => to - from <= MAX_WINDOW_MS),
    { error: 'expected a window of at most 28 days', path },
  )
  .refine(
    check((from, _, { period: of }) => from > Date.now() - PERIODS[of].knownMs),
    { error: 'so long ago only longer periods are known (FiveMinutes: 47 hours, OneHour: 34 days)', path },
  );
export type AttemptSeriesQuery = z.infer<typeof attemptSeriesQuery>;

const counts = z.array(z.int());
/** Tries by how they ended, a number for each period of the window, oldest first. */
export const attemptSeriesOut = z.object({
  startDate: z.iso.datetime(),
  endDate: z.iso.datetime(),
  period,
  data: z.object({ successCount: counts, failureCount: counts, canceledCount: counts }),
});
export type AttemptSeriesOut = z.infer<typeof attemptSeriesOut>;
