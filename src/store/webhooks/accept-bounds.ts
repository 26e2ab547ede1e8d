import type { AcceptRates, Granted } from './accept-rates.js';
import type { CachedApplication } from './cached-application.js';
import type { MessageRepository } from './message.repository.js';

/** What else a flush has to know of an application that is throttled or keeps an order; most are and do neither. */
export interface AcceptBounds {
  /** The newest message, where an order is kept: what is accepted now comes after it. */
  above: string | null;
  /** What is left of the rate; null = no limit. */
  granted: Granted | null;
}

const FREE: AcceptBounds = { above: null, granted: null };

/** @param applications one for each message. @returns what bounds them, by id */
export async function acceptBounds(
  applications: readonly CachedApplication[],
  { messages, rates }: { messages: MessageRepository; rates: AcceptRates },
): Promise<Map<string, AcceptBounds>> {
  const groups = Map.groupBy(applications, ({ id }) => id);
  const bounds = [...groups].map(async ([id, group]): Promise<[string, AcceptBounds]> => {
    const { throttleRate, keepsOrder } = group[0]!;
    if (throttleRate === null && !keepsOrder) return [id, FREE];
    const [above, granted] = await Promise.all([
      keepsOrder ? messages.newest(id) : null,
      throttleRate === null ? null : rates.take(id, throttleRate, group.length),
    ]);
    return [id, { above, granted }];
  });
  return new Map(await Promise.all(bounds));
}

/** Uses one of what was granted. @returns how long to wait for another when there is none left, milliseconds, else 0 */
export function useGranted({ granted }: AcceptBounds): number {
  if (granted === null || granted.count-- > 0) return 0;
  return granted.waitMs;
}
