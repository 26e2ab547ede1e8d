import type { Socket } from 'node:net';
import { connectMongo } from '../../../src/store/connection.js';
import { servers } from '../../support/delivery-side.js';

interface Pooled {
  topology: { s: { servers: Map<string, { pool: { connections: Iterable<{ socket: Socket }> } }> } };
}

describe('the connection to MongoDB', () => {
  it.each([
    ['died', (socket: Socket) => void socket.destroy()],
    ['ended, and is not closed yet', (socket: Socket) => void socket.end()],
  ])(
    'tries a command again that was issued in the moment its socket %s',
    async (_, goes) => {
      const { stack, end } = await servers();
      const connection = await connectMongo(stack.mongodbUrl, 'guarded');
      const rows = connection.db!.collection('rows');
      await rows.insertOne({ n: 1 });
      const { topology } = connection.getClient() as unknown as Pooled;
      for (const { pool } of topology.s.servers.values()) {
        for (const { socket } of pool.connections) goes(socket);
      }
      expect(await rows.find({}).toArray()).toMatchObject([{ n: 1 }]);
      await connection.close();
      await end();
    },
    60_000,
  );
});
