import type { mongo } from 'mongoose';
import type { Page, PageRequest } from '../contracts/webhooks/page.js';

type Request = PageRequest & { order: 'ascending' | 'descending' };

/** One page of a list whose order is the order of the ids, see `pageByKey`. */
export const pageById = <Row extends { _id: string }>(
  collection: mongo.Collection,
  filter: Record<string, unknown>,
  request: Request,
): Promise<Page<Row>> => pageByKey(collection, '_id', filter, request);

/**
 * One page of a list in the order of a key that no two of its rows share. A leading `-` in the iterator walks back;
 * rows come in list order either way. Paging by key stays right while rows are inserted, where an offset would not.
 */
export async function pageByKey<Key extends string, Row extends Record<Key, string>>(
  collection: mongo.Collection,
  key: Key,
  filter: Record<string, unknown>,
  request: Request,
): Promise<Page<Row>> {
  const { limit, iterator } = request;
  const backwards = iterator?.startsWith('-') ?? false;
  const ascending = (request.order === 'ascending') !== backwards;
  const conditions: Record<string, unknown>[] = [filter];
  if (iterator !== undefined) {
    const id = iterator.replace(/^-/, '');
    conditions.push({ [key]: ascending ? { $gt: id } : { $lt: id } });
  }
  const rows = (await collection
    .find({ $and: conditions })
    .sort({ [key]: ascending ? 1 : -1 })
    .limit(limit + 1)
    .toArray()) as unknown as Row[];
  const done = rows.length <= limit;
  const data = rows.slice(0, limit);
  if (backwards) data.reverse();
  const first = data[0];
  return {
    data,
    iterator: data.at(-1)?.[key] ?? null,
    prevIterator: first === undefined ? null : `-${first[key]}`,
    done,
  };
}

export const mapPage = <A, B>(page: Page<A>, map: (row: A) => B): Page<B> => ({
  ...page,
  data: page.data.map(map),
});
