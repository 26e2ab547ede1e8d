import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { HttpSender } from '../../../src/activities/webhooks/http-sender.js';
import type { HttpSenderOptions } from '../../../src/activities/webhooks/http-sender.js';
import { parseRanges } from '../../../src/domain/webhooks/forbidden-address.js';

const allowed = parseRanges(['127.0.0.1/32']);
const pem = readFileSync('test/integration/fixtures/receiver.test.pem', 'utf8');
const closing: (() => unknown)[] = [];

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

const receiver = (listener: RequestListener) => listening(createServer({ keepAlive: true }, listener));

function sender(options: Partial<HttpSenderOptions> = {}): HttpSender {
  const made = new HttpSender({ allowed, ...options });
  closing.push(() => made.close());
  return made;
}

const post = (url: string, from = sender(), timeoutMs = 5000) =>
  from.send({
    url: new URL(url),
    headers: { 'content-type': 'application/json', 'accept-encoding': 'identity' },
    body: Buffer.from('{"n":1.50}'),
    timeoutMs,
  });

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('HTTP sender', () => {
  it('posts the bytes as they are and reports the answer', async () => {
    const got: string[] = [];
    const port = await receiver((request, response) => {
      request.on('data', (chunk: Buffer) => got.push(`${request.method} ${request.url} ${chunk.toString()}`));
      request.on('end', () => response.writeHead(201, { 'retry-after': '7' }).end('thanks'));
    });
    const result = await post(`http://127.0.0.1:${port}/hook?a=b%20c`);
    expect(got).toEqual(['POST /hook?a=b%20c {"n":1.50}']);
    expect(result).toMatchObject({ code: 201, errorCode: null, response: 'thanks', ip: '127.0.0.1' });
    expect(result.retryAfter).toBe('7');
  });

  it('keeps connections open between tries', async () => {
    const sockets = new Set<unknown>();
    const port = await receiver((request, response) => {
      sockets.add(request.socket);
      request.resume().on('end', () => response.end());
    });
    const from = sender();
    for (let i = 0; i < 20; i++) await post(`http://127.0.0.1:${port}/`, from);
    expect(sockets.size).toBeLessThanOrEqual(2);
  });

  it('follows no redirect', async () => {
    const paths: (string | undefined)[] = [];
    const port = await receiver((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect((await post(`http://127.0.0.1:${port}/`)).code).toBe(302);
    expect(paths).toEqual(['/']);
  });

  it('gives up a receiver that answers too slowly, in head or body', async () => {
    const hanging = await receiver(() => undefined);
    expect(await post(`http://127.0.0.1:${hanging}/`, sender(), 100)).toMatchObject({ errorCode: 'timeout' });
    const dripping = await receiver((_request, response) => {
      response.writeHead(200).write('x');
    });
    const result = await post(`http://127.0.0.1:${dripping}/`, sender(), 100);
    expect(result).toMatchObject({ code: 0, errorCode: 'timeout' });
  });

  it('reads 64 KiB of an endless answer, keeps 16 and closes the connection', async () => {
    let closed: () => void;
    const connectionClosed = new Promise<void>((resolve) => (closed = resolve));
    const port = await receiver((request, response) => {
      request.socket.on('close', () => closed());
      const chunk = Buffer.alloc(16_384, 'x');
      const more = () => {
        while (response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    const result = await post(`http://127.0.0.1:${port}/`);
    expect(result).toMatchObject({ code: 200, errorCode: null });
    expect(result.response).toHaveLength(16_384);
    await connectionClosed;
  });

  it('refuses more than 16 KiB of answer headers', async () => {
    const port = await receiver((_request, response) => {
      response.writeHead(200, { 'x-long': 'x'.repeat(17_000) }).end();
    });
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ errorCode: 'invalid_response' });
  });

  it('never unpacks a compressed answer', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const port = await receiver((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    const result = await post(`http://127.0.0.1:${port}/`);
    expect(result.response.length).toBeLessThanOrEqual(bomb.length);
  });

  it('tells a refused from a reset connection and from one that does not speak HTTP', async () => {
    const port = await receiver(() => undefined);
    for (const close of closing.splice(0)) await close();
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ errorCode: 'connection_refused' });
    const resetting = await listening(
      createTcpServer((socket) => socket.once('data', () => socket.destroy())),
    );
    expect(await post(`http://127.0.0.1:${resetting}/`)).toMatchObject({ errorCode: 'connection_reset' });
    const speaking = await listening(createTcpServer((socket) => socket.end('SSH-2.0-x\r\n')));
    expect(await post(`http://127.0.0.1:${speaking}/`)).toMatchObject({ errorCode: 'invalid_response' });
  });

  it('tries once more at once when a kept connection turns out to be closed', async () => {
    let requests = 0;
    const port = await receiver((request, response) => {
      requests += 1;
      if (requests === 2) return void request.socket.destroy();
      request.resume().on('end', () => response.end());
    });
    const from = sender();
    expect((await post(`http://127.0.0.1:${port}/`, from)).code).toBe(200);
    expect((await post(`http://127.0.0.1:${port}/`, from)).code).toBe(200);
    expect(requests).toBe(3);
  });

  it('goes on with the next address when one refuses', async () => {
    const port = await receiver((_request, response) => response.end());
    const from = sender({
      allowed: parseRanges(['127.0.0.0/8']),
      lookup: () => Promise.resolve(['127.0.0.9', '127.0.0.1']),
    });
    expect(await post(`http://receiver.test:${port}/`, from)).toMatchObject({ code: 200, ip: '127.0.0.1' });
  });

  it('gives a try up when its caller does', async () => {
    const port = await receiver(() => undefined);
    const giveUp = new AbortController();
    const request = { url: new URL(`http://127.0.0.1:${port}/`), headers: {}, body: Buffer.from('{}') };
    const sending = sender().send({ ...request, timeoutMs: 5000 }, giveUp.signal);
    giveUp.abort();
    await expect(sending).rejects.toThrow('given up');
  });
});

describe('HTTP sender and forbidden addresses', () => {
  let requests = 0;
  const forbiddenSink = () =>
    receiver((_request, response) => {
      requests += 1;
      response.end();
    });
  beforeEach(() => (requests = 0));

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '[::ffff:127.0.0.1]', 'localhost'])(
    'does not reach %s',
    async (host) => {
      const port = await forbiddenSink();
      const result = await post(`http://${host}:${port}/`, sender({ allowed: [] }));
      expect(result).toMatchObject({ code: 0, errorCode: 'forbidden_address', ip: null });
      expect(requests).toBe(0);
    },
  );

  it.each([[['127.0.0.1']], [['8.8.8.8', '127.0.0.1']], [['2606:4700::1111', '::ffff:7f00:1']]])(
    'does not reach a name with a forbidden answer among %j',
    async (answers) => {
      const port = await forbiddenSink();
      const from = sender({ allowed: [], lookup: () => Promise.resolve(answers) });
      const result = await post(`http://receiver.test:${port}/`, from);
      expect(result).toMatchObject({ errorCode: 'forbidden_address' });
      expect(result.error).not.toContain('127.0.0.1');
      expect(requests).toBe(0);
    },
  );

  it('does not reach a name that is rebound between two tries', async () => {
    const port = await forbiddenSink();
    let now = 0;
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    const from = sender({ lookup: () => Promise.resolve(answers.shift()!), nowMs: () => now });
    expect((await post(`http://receiver.test:${port}/`, from)).code).toBe(200);
    now += 61_000;
    expect(await post(`http://receiver.test:${port}/`, from)).toMatchObject({
      errorCode: 'forbidden_address',
    });
    expect(requests).toBe(1);
  });

  it('says that a name does not resolve', async () => {
    const from = sender({ lookup: () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })) });
    expect(await post('http://receiver.test/', from)).toMatchObject({
      errorCode: 'dns_error',
      error: 'receiver.test could not be resolved (ENOTFOUND)',
    });
  });
});

describe('HTTP sender and TLS', () => {
  const secureReceiver = () =>
    listening(createTlsServer({ key: pem, cert: pem }, (_request, response) => response.end('safe')));
  const lookup = () => Promise.resolve(['127.0.0.1']);

  it('checks the certificate against the name of the URL, not the pinned address', async () => {
    const port = await secureReceiver();
    const from = sender({ lookup, ca: pem.slice(pem.indexOf('-----BEGIN CERT')) });
    expect(await post(`https://receiver.test:${port}/`, from)).toMatchObject({ code: 200, response: 'safe' });
    expect(await post(`https://other.test:${port}/`, from)).toMatchObject({ errorCode: 'tls_error' });
  });

  it('refuses a certificate that nobody vouches for', async () => {
    const port = await secureReceiver();
    expect(await post(`https://receiver.test:${port}/`, sender({ lookup }))).toMatchObject({
      code: 0,
      errorCode: 'tls_error',
    });
  });
});
