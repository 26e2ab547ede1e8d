import mongoose from 'mongoose';
import type { LoggedArrival } from './arrival-log.js';

interface TakenAttempt {
  msg: string;
  url: string;
}

/** Attempts that say the receiver took the message, and of which the receiver knows nothing. */
export async function unseenAttempts(
  mongodbUrl: string,
  byPath: ReadonlyMap<string, readonly LoggedArrival[]>,
): Promise<string[]> {
  const left = new Map<string, number>();
  for (const [path, arrivals] of byPath)
    for (const { id } of arrivals) left.set(`${id} ${path}`, (left.get(`${id} ${path}`) ?? 0) + 1);
  const unseen: string[] = [];
  const client = await mongoose.mongo.MongoClient.connect(mongodbUrl);
  try {
    const attempts = client.db('holdfast').collection<TakenAttempt>('wh_attempts');
    for await (const { msg, url } of attempts.find({ ok: true }, { projection: { msg: 1, url: 1 } })) {
      const key = `${msg} ${new URL(url).pathname}`;
      const count = left.get(key) ?? 0;
      if (count === 0) unseen.push(key);
      else left.set(key, count - 1);
    }
  } finally {
    await client.close();
  }
  return unseen;
}
