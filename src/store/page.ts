import type { mongo } from 'mongoose';
import type { Page, PageRequest } from '../contracts/webhooks/page.js';

/**
 * One page of a list whose order is the order of the ids. A leading `-` in the iterator walks back; rows come in
 * list order either way. Paging by key stays right while rows are inserted, where an offset would not.
 */
export async function pageById<Row extends { _id: string }>(
  collection: mongo.Collection,
  filter: Record<string, unknown>,
  request: PageRequest & { order: 'ascending' | 'descending' },
): Promise<Page<Row>> {
  const { limit, iterator } = request;
  const backwards = iterator?.startsWith('-') ?? false;
  const ascending = (request.order === 'ascending') !== backwards;
  const conditions: Record<string, unknown>[] = [filter];
  if (iterator !== undefined) {
    const id = iterator.replace(/^-/, '');
    conditions.push({ _id: ascending ? { $gt: id } : { $lt: id } });
  }
  const rows = (await collection
    .find({ $and: conditions })
    .sort({ _id: ascending ? 1 : -1 })
    .limit(limit + 1)
    .toArray()) as unknown as Row[];
  const done = rows.length <= limit;
  const data = rows.slice(0, limit);
  if (backwards) data.reverse();
  const first = data[0];
  return {
    data,
    iterator: data.at(-1)?._id ?? null,
    prevIterator: first === undefined ? null : `-${first._id}`,
    done,
  };
}

export const mapPage = <A, B>(page: Page<A>, map: (row: A) => B): Page<B> => ({
  ...page,
  data: page.data.map(map),
});
