import mongoose from 'mongoose';

interface ServerStatus {
  writer?: { commits?: unknown };
}

/** Commits of the embedded server so far, each one fsync; 0 on a server that does not count them. */
export async function commitCount(mongodbUrl: string): Promise<number> {
  const client = await mongoose.mongo.MongoClient.connect(mongodbUrl);
  try {
    const status = (await client.db('admin').command({ serverStatus: 1 })) as ServerStatus;
    return Number(status.writer?.commits ?? 0);
  } finally {
    await client.close();
  }
}
