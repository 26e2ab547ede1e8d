import { ksuidFloor } from '../../domain/ksuid.js';

interface ListQuery {
  channel?: string | undefined;
  tag?: string | undefined;
  before?: Date | undefined;
  after?: Date | undefined;
  event_types?: string[] | undefined;
}

/**
 * The filters that messages and attempts share, as a query. Times become id ranges, because ids carry their time
 * and the lists are read by id: no index on times is needed.
 */
export function rowFilter(prefix: 'msg' | 'atmpt', query: ListQuery): Record<string, unknown> {
  const { channel, tag, before, after, event_types: types } = query;
  const id = {
    ...(before === undefined ? {} : { $lt: `${prefix}_${ksuidFloor(before.getTime())}` }),
    ...(after === undefined ? {} : { $gte: `${prefix}_${ksuidFloor(after.getTime() + 1)}` }),
  };
  return {
    ...(channel === undefined ? {} : { channels: channel }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(types === undefined || types.length === 0 ? {} : { type: { $in: types } }),
    ...(before === undefined && after === undefined ? {} : { _id: id }),
  };
}
