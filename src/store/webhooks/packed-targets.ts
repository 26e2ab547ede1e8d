import type { SkippedTarget } from '../../contracts/webhooks/delivery.js';
import { laneOf } from '../../domain/webhooks/lane.js';
import { deliveryId } from '../../platform/ids.js';
import type { MessageRow, MessageTarget } from './message.schema.js';

/**
 * The endpoints of a message that meets many of them, without what can be derived. Sent to 10,000 endpoints that is 270 KB
 * and a member where a document each would be 1.3 MB and 10,000; passed over by 10,000, it is two ids.
 */
export interface PackedTargets {
  /** Shared lanes when it was accepted: with the id they give the lane. */
  lanes: number;
  /** Ids of endpoints in shared lanes, one after the other; those with a lane of their own stand in `targets`. */
  e: string;
  /**
   * By rule: the first and the last id of each run of endpoints that it left out. Whoever was there at that time, lies
   * between the two and is no target was left out: ids ascend, so no later endpoint lies between them.
   */
  skipped: Partial<Record<SkippedTarget['why'], string>>;
}

const PACK_ABOVE = 32;
/** So many deliveries take a while to be written out. */
const MANY_TARGETS = 256;
const PREFIX = 'ep_';
const ID_CHARACTERS = 27;

/** In the order of ids. */
interface Decided {
  targets: readonly string[];
  skipped: SkippedTarget[];
}

/** How the decision of an accept is stored. @param own the target of an endpoint with a lane of its own, else null */
export function storedTargets(
  messageId: string,
  { targets, skipped }: Decided,
  lanes: number,
  own: (endpoint: string) => MessageTarget | null,
): Pick<MessageRow, 'targets' | 'skipped' | 'packed'> {
  if (targets.length + skipped.length <= PACK_ABOVE) {
    return { targets: targets.map((e) => own(e) ?? shared(messageId, e, lanes)), skipped };
  }
  const owned = targets.map(own);
  const e = targets.filter((_, position) => owned[position] === null).map(unprefixed);
  const packed = { lanes, e: e.join(''), skipped: runs(skipped) };
  return { targets: owned.filter((target) => target !== null), skipped: [], packed };
}

function runs(skipped: readonly SkippedTarget[]): PackedTargets['skipped'] {
  const byRule: PackedTargets['skipped'] = {};
  let first: string | undefined;
  for (const [at, { e, why }] of skipped.entries()) {
    first ??= unprefixed(e);
    if (skipped[at + 1]?.why === why) continue;
    byRule[why] = `${byRule[why] ?? ''}${first}${unprefixed(e)}`;
    first = undefined;
  }
  return byRule;
}

/** A run of endpoints that one rule left out: its first and last id. Runs do not overlap. */
export interface SkippedRun {
  first: string;
  last: string;
  why: SkippedTarget['why'];
}

/** In the order of ids. */
export function skippedRuns({ skipped }: PackedTargets): SkippedRun[] {
  const rules = Object.entries(skipped) as [SkippedTarget['why'], string][];
  return rules
    .flatMap(([why, text]) => {
      const ends = idsIn(text);
      const lasts = ends.filter((_, position) => position % 2 === 1);
      return lasts.map((last, run) => ({ first: ends[2 * run]!, last, why }));
    })
    .sort((a, b) => (a.first < b.first ? -1 : 1));
}

/** Which rule left an endpoint out that was there and is no target; null = it came later. @param runs in order */
export function skippedBy(runs: readonly SkippedRun[], e: string): SkippedTarget['why'] | null {
  let from = 0;
  let to = runs.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (runs[middle]!.last < e) from = middle + 1;
    else to = middle;
  }
  const run = runs[from];
  return run === undefined || e < run.first ? null : run.why;
}

export const hasManyTargets = ({ packed }: Pick<MessageRow, 'packed'>): boolean =>
  packed !== undefined && packed.e.length > MANY_TARGETS * ID_CHARACTERS;

/** The message with every target written out. */
export function unpacked(row: MessageRow): MessageRow {
  const { packed, ...message } = row;
  if (packed === undefined) return row;
  const derived = idsIn(packed.e).map((e) => shared(message._id, e, packed.lanes));
  return { ...message, targets: [...message.targets, ...derived] };
}

/** The endpoints that a message goes to. */
export const targetEndpoints = ({ targets, packed }: MessageRow): Set<string> =>
  new Set([...targets.map(({ e }) => e), ...idsIn(packed?.e ?? '')]);

const idsIn = (text: string): string[] =>
  Array.from({ length: text.length / ID_CHARACTERS }, (_, position) => {
    const at = position * ID_CHARACTERS;
    return PREFIX + text.slice(at, at + ID_CHARACTERS);
  });

const shared = (messageId: string, e: string, lanes: number): MessageTarget => ({
  d: deliveryId(messageId, e),
  e,
  l: laneOf(e, lanes),
});

const unprefixed = (endpoint: string) => endpoint.slice(PREFIX.length);
