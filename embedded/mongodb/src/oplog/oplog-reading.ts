import { Timestamp } from 'bson';
import { BDoc } from '../bson/values.js';
import { unsupported } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import type { FindQuery, Found, Reading } from '../query/find.js';
import { compileFilter } from '../query/matcher.js';
import { fromTimestamp } from '../storage/commit-clock.js';
import type { Oplog } from './oplog.js';

const CHUNK = 256;

/** `find` on `local.oplog.rs`: a key range by `ts`, in `$natural` order one way or the other. */
export function* oplogReading(
  oplog: Oplog,
  { filter, sort, skip = 0, limit = 0 }: FindQuery,
  context: EvalContext,
): Reading<Found> {
  const { matches } = compileFilter(filter, context);
  const reverse = isReverse(sort);
  let [from, to] = timeRange(filter);
  let left = skip;
  let taken = 0;
  for (;;) {
    const entries = oplog.read(from, to, CHUNK, reverse);
    for (const { ts, document: doc } of entries) {
      if (reverse) to = ts - 1;
      else from = ts + 1;
      if (!matches(doc) || left-- > 0) continue;
      yield { rid: ts, doc };
      if (++taken === limit) return;
    }
    if (entries.length < CHUNK) return;
    yield undefined;
  }
}

function isReverse(sort: BDoc | undefined): boolean {
  const [first, ...more] = sort?.entries() ?? [];
  if (!first) return false;
  if (more.length > 0 || (first[0] !== '$natural' && first[0] !== 'ts'))
    throw unsupported('a sort of the oplog by anything but $natural or ts');
  return Number(first[1]) < 0;
}

/** Bounds of `ts` as commit times; the filter is checked again on every entry. */
function timeRange(filter: BDoc): [number, number] {
  const condition = filter.get('ts');
  const operators = condition instanceof BDoc ? condition.entries() : [['$eq', condition] as const];
  let from = 0;
  let to = Number.MAX_SAFE_INTEGER;
  for (const [operator, value] of operators) {
    if (!(value instanceof Timestamp)) continue;
    const time = fromTimestamp(value);
    if (['$gt', '$gte', '$eq'].includes(operator)) from = Math.max(from, time);
    if (['$lt', '$lte', '$eq'].includes(operator)) to = Math.min(to, time);
  }
  return [from, to];
}
