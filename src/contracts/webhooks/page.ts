import { z } from 'zod';

/** A query value that may come once, repeated, or comma-joined. */
export const commaList = <T extends z.ZodType<unknown, string>>(item: T) =>
  z.preprocess(
    (value) =>
      value === undefined
        ? undefined
        : [value].flat().flatMap((text) => (typeof text === 'string' ? text.split(',') : text)),
    z.array(item).optional(),
  );

export const queryFlag = (fallback: boolean) =>
  z
    .enum(['true', 'false'], { error: 'expected true or false' })
    .default(fallback ? 'true' : 'false')
    .transform((text) => text === 'true');

// A check over two dates runs only when both could be read: hence `abort`.
export const requiredQueryDate = z.iso
  .datetime({
    offset: true,
    error: 'expected an RFC 3339 date-time, e.g. 2026-11-21T10:00:00Z',
    abort: true,
  })
  .transform((text) => new Date(text));
export const queryDate = requiredQueryDate.optional();

/**
 * Paging of a list: `iterator` is the id of the last row seen, or `-<id>` to walk back from the first row seen.
 * @param prefixes of the ids in the list, e.g. `msg`
 */
export const pageQuery = (...prefixes: string[]) =>
  z.object({
    limit: z.coerce
      .number({ error: 'expected a number from 1 to 250' })
      .int()
      .min(1, { error: 'expected 1 to 250' })
      .max(250, { error: 'expected 1 to 250' })
      .default(50),
    iterator: z
      .string()
      .regex(new RegExp(`^-?(${prefixes.join('|')})_[0-9A-Za-z]{27}$`), {
        error: `expected the iterator or prevIterator of an earlier page`,
      })
      .optional(),
  });

export const ordering = z.enum(['ascending', 'descending']);

export interface PageRequest {
  limit: number;
  iterator?: string | undefined;
}

export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    data: z.array(item),
    iterator: z.string().nullable(),
    prevIterator: z.string().nullable(),
    done: z.boolean(),
  });

export interface Page<T> {
  data: T[];
  iterator: string | null;
  prevIterator: string | null;
  /** Nothing further in the direction that was asked for. */
  done: boolean;
}
