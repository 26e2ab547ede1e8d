import { once } from 'node:events';
import { EmbeddedProcess } from './embedded-process.js';
import { HEADER, body, message, open, reply, sequence } from './raw-connection.js';

let server: EmbeddedProcess;

beforeAll(async () => {
  server = await EmbeddedProcess.start();
});

afterAll(() => server.stop());

test('a document sequence may stand before the body', async () => {
  const socket = await open(server.port);
  const sections = Buffer.concat([
    sequence('documents', [{ _id: 1 }, { _id: 2 }]),
    body({ insert: 'c', $db: 'wire' }),
  ]);
  socket.write(message(sections));
  expect(await reply(socket)).toMatchObject({ ok: 1, n: 2 });
  socket.destroy();
});

test('requests that come in one packet, or in many small ones, are answered in order', async () => {
  const socket = await open(server.port);
  const bytes = message(body({ ping: 1, $db: 'admin' }));
  for (const byte of bytes) socket.write(Buffer.from([byte]));
  expect(await reply(socket)).toMatchObject({ ok: 1 });
  socket.destroy();
});

test('a message without reply is carried out before the next one', async () => {
  const socket = await open(server.port);
  const MORE_TO_COME = 2;
  const silent = message(
    body({ insert: 'silent', documents: [{ _id: 1 }], $db: 'wire', writeConcern: { w: 0 } }),
    MORE_TO_COME,
  );
  socket.write(Buffer.concat([silent, message(body({ count: 'silent', $db: 'wire' }))]));
  expect(await reply(socket)).toMatchObject({ ok: 1, n: 1 });
  socket.destroy();
});

test('a hello that fails is answered once, although the client would take a stream of answers', async () => {
  const socket = await open(server.port);
  const EXHAUST_ALLOWED = 1 << 16;
  socket.write(message(body({ hello: 1, maxAwaitTimeMS: 'x', $db: 'admin' }), EXHAUST_ALLOWED));
  expect(await reply(socket)).toMatchObject({ ok: 0, code: 14 });
  socket.write(message(body({ ping: 1, $db: 'admin' })));
  expect(await reply(socket)).toMatchObject({ ok: 1 });
  socket.destroy();
});

test.each([
  ['a length above 48,000,000 bytes', () => Buffer.from([0x01, 0x6c, 0xdc, 0x02, ...Buffer.alloc(12)])],
  ['a length below the header', () => Buffer.from([4, 0, 0, 0, ...Buffer.alloc(12)])],
  ['an unknown opcode', () => Buffer.from([16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xdb, 0x07, 0, 0])],
  ['an unknown required flag', () => message(body({ ping: 1, $db: 'admin' }), 4)],
  ['a wrong checksum', () => message(Buffer.concat([body({ ping: 1, $db: 'admin' }), Buffer.alloc(4)]), 1)],
])('%s closes the connection, the server goes on', async (_what, bytes) => {
  const socket = await open(server.port);
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.resume();
  socket.write(bytes());
  await closed;
  const client = await server.connect();
  expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
});

test('a malformed document answers InvalidBSON', async () => {
  const socket = await open(server.port);
  const broken = body({ ping: 1, text: 'abc', $db: 'admin' });
  const at = broken.indexOf('abc');
  broken[at + 3] = 0x61;
  socket.write(message(broken));
  expect(await reply(socket)).toMatchObject({ ok: 0, code: 22 });
  // Where no answer is wanted, it would be taken for that of the next request.
  socket.write(Buffer.concat([message(broken, 2), message(body({ ping: 1, $db: 'admin' }))]));
  expect(await reply(socket)).toMatchObject({ ok: 1 });
  socket.destroy();
});

test('clients that leave in the middle of a message do no harm', async () => {
  for (let n = 0; n < 50; n += 1) {
    const socket = await open(server.port);
    socket.write(message(body({ ping: 1, $db: 'admin' })).subarray(0, 5 + (n % 20)));
    socket.destroy();
  }
  const client = await server.connect();
  expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
});

test('random bytes behind a valid header never end the server', async () => {
  let seed = 42;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x7fffffff;
  for (let n = 0; n < 300; n += 1) {
    const bytes = message(body({ find: 'c', filter: { a: { $in: [1, 'x'] } }, $db: 'wire' }));
    for (let flips = 0; flips < 4; flips += 1)
      bytes[HEADER + Math.floor(random() * (bytes.length - HEADER))] = Math.floor(random() * 256);
    const socket = await open(server.port);
    socket.on('error', () => undefined);
    const answered = Promise.race([once(socket, 'data'), once(socket, 'close')]);
    socket.write(bytes);
    socket.end();
    await answered;
    socket.destroy();
  }
  const client = await server.connect();
  expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
}, 30_000);

test('hello names a writable primary of a replica set at wire version 25', async () => {
  const client = await server.connect();
  const hello = await client.db('admin').command({ hello: 1 });
  expect(hello).toMatchObject({
    isWritablePrimary: true,
    setName: 'rs0',
    minWireVersion: 0,
    maxWireVersion: 25,
  });
  expect(await client.db('admin').command({ buildInfo: 1 })).toMatchObject({ embedded: 'holdfast' });
});

test('writes without reply are carried out although the client left at once', async () => {
  const MORE_TO_COME = 2;
  const socket = await open(server.port);
  const silent = (id: number): Buffer => {
    const insert = { insert: 'left', documents: [{ _id: id }], $db: 'wire', writeConcern: { w: 0 } };
    return message(body(insert), MORE_TO_COME);
  };
  socket.end(Buffer.concat(Array.from({ length: 20 }, (_, id) => silent(id))));
  await once(socket, 'close');
  const left = (await server.connect()).db('wire').collection('left');
  const end = Date.now() + 10_000;
  while ((await left.estimatedDocumentCount()) < 20 && Date.now() < end) continue;
  expect(await left.estimatedDocumentCount()).toBe(20);
});
