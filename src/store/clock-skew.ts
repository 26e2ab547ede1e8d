import type { Connection } from 'mongoose';

/** Beyond this, due times written by one host mean something else to another. */
export const MAX_SKEW_MS = 30_000;

/** How far this host's clock is ahead of the database's, in milliseconds. */
export async function clockSkewMs(connection: Connection): Promise<number> {
  const before = Date.now();
  const hello = await connection.db!.admin().command({ hello: 1 });
  const middle = (before + Date.now()) / 2;
  return middle - (hello['localTime'] as Date).getTime();
}
