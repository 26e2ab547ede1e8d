import mongoose from 'mongoose';

const OPEN = ['pending', 'retrying', 'held'];
const PAGE = 1_000;

interface StoredMessage {
  _id: string;
  targets: { d: string }[];
}

/** What must hold in the store after any crash, once all is quiet. Empty when it does. */
export async function storedFaults(mongodbUrl: string): Promise<string[]> {
  const client = await mongoose.mongo.MongoClient.connect(mongodbUrl);
  try {
    const db = client.db('holdfast');
    const deliveries = db.collection<{ _id: string; state: string }>('wh_deliveries');
    const unqueued = await deliveries.countDocuments({ state: { $in: OPEN }, q: { $exists: false } });
    const queued = await deliveries.countDocuments({ state: { $nin: OPEN }, q: { $exists: true } });
    const faults = [
      ...(unqueued > 0 ? [`${unqueued} open deliveries without a queue entry`] : []),
      ...(queued > 0 ? [`${queued} finished deliveries with a queue entry`] : []),
    ];
    let targets = 0;
    let page: StoredMessage[] = [];
    const check = async (): Promise<void> => {
      const ids = page.flatMap((message) => message.targets.map(({ d }) => d));
      targets += ids.length;
      const rows = await deliveries.countDocuments({ _id: { $in: ids } });
      if (rows !== ids.length) faults.push(`${ids.length - rows} targets without a row near ${page[0]?._id}`);
      page = [];
    };
    const messages = db.collection<StoredMessage>('wh_messages').find({}, { projection: { targets: 1 } });
    for await (const message of messages) {
      page.push(message);
      if (page.length === PAGE) await check();
    }
    if (page.length > 0) await check();
    const rows = await deliveries.countDocuments({});
    if (rows !== targets) faults.push(`${rows} delivery rows for ${targets} targets`);
    return faults;
  } finally {
    await client.close();
  }
}
