import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HttpSender } from '../../../src/activities/webhooks/http-sender.js';
import type { HttpSenderOptions } from '../../../src/activities/webhooks/http-sender.js';
import { parseRanges } from '../../../src/domain/webhooks/forbidden-address.js';
import { CertificateAuthority } from '../../support/certificates.js';
import { DeliveryFixture } from '../../support/delivery-fixture.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the other side hangs up when it has what it wants
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

interface Proxy {
  url: string;
  /** What it was asked to connect to. */
  asked: string[];
  credentials: (string | undefined)[];
}

/** A proxy that knows every name as this machine, unless it has another answer. */
async function proxy(answer?: (socket: Duplex) => void): Promise<Proxy> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const server = createServer();
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    asked.push(request.url!);
    credentials.push(request.headers['proxy-authorization']);
    if (answer !== undefined) return answer(socket);
    const onward = connect(Number(request.url!.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  return { url: `http://127.0.0.1:${await listening(server)}`, asked, credentials };
}

const receiver = () =>
  listening(
    createServer((request, response) => void request.resume().on('end', () => response.end('taken'))),
  );

const send = (url: string, options: Partial<HttpSenderOptions>, tls?: { ca: string }) => {
  const sender = new HttpSender({ allowed: [], ...options });
  closing.push(() => sender.close());
  const request = { url: new URL(url), headers: {}, body: Buffer.from('{}'), timeoutMs: 5000 };
  return sender.send({ ...request, ...(tls === undefined ? {} : { tls: { id: tls.ca, settings: tls } }) });
};

describe('a proxy', () => {
  it('resolves the names of receivers, and gets the credentials of its URL', async () => {
    const port = await receiver();
    const { url, asked, credentials } = await proxy();
    const proxyUrl = url.replace('//', '//user:p%40ss@');
    expect(await send(`http://receiver.invalid:${port}/`, { proxyUrl })).toMatchObject({
      ...{ code: 200, response: 'taken', ip: null, errorCode: null },
    });
    expect(asked).toEqual([`receiver.invalid:${port}`]);
    expect(credentials).toEqual([`Basic ${Buffer.from('user:p@ss').toString('base64')}`]);
  });

  it('carries TLS between us and the receiver, whose certificate is checked as without it', async () => {
    const authority = await CertificateAuthority.create();
    const identity = await authority.issue('receiver.invalid');
    const port = await listening(createTlsServer(identity, (_, response) => void response.end('safe')));
    const { url: proxyUrl } = await proxy();
    const tls = { ca: authority.cert };
    const to = (name: string, own?: { ca: string }) => send(`https://${name}:${port}/`, { proxyUrl }, own);
    expect(await to('receiver.invalid', tls)).toMatchObject({ code: 200, response: 'safe' });
    expect(await to('receiver.invalid')).toMatchObject({ errorCode: 'tls_error' });
    expect(await to('other.invalid', tls)).toMatchObject({ errorCode: 'tls_error' });
  });

  it.each(['10.0.0.1', '127.0.0.1', '[::1]', '0x7f.1', 'localhost'])(
    'is not asked for %s, which is not public',
    async (host) => {
      const { url: proxyUrl, asked } = await proxy();
      expect(await send(`http://${host}:8080/`, { proxyUrl })).toMatchObject({
        errorCode: 'forbidden_address',
      });
      expect(asked).toEqual([]);
    },
  );

  it.each<[string, (socket: Duplex) => void, string]>([
    ['407', (socket) => socket.end('HTTP/1.1 407 Who are you\r\n\r\n'), 'proxy_error'],
    ['500', (socket) => socket.end('HTTP/1.1 500 Broken\r\n\r\n'), 'proxy_error'],
    ['nothing and hangs up', (socket) => socket.destroy(), 'proxy_error'],
    ['403', (socket) => socket.end('HTTP/1.1 403 Not there\r\n\r\n'), 'forbidden_address'],
    ['502', (socket) => socket.end('HTTP/1.1 502 No connection\r\n\r\n'), 'connection_refused'],
    ['504', (socket) => socket.end('HTTP/1.1 504 Too slow\r\n\r\n'), 'timeout'],
  ])('that answers %s is told apart from the receiver', async (_, answer, errorCode) => {
    const { url: proxyUrl } = await proxy(answer);
    expect(await send('https://receiver.invalid/', { proxyUrl })).toMatchObject({ code: 0, errorCode });
  });

  it('that is away is its own fault, and its credentials are in no message', async () => {
    const { url } = await proxy();
    for (const close of closing.splice(0)) await close();
    const result = await send('https://receiver.invalid/', {
      proxyUrl: url.replace('//', '//user:hunter2@'),
    });
    expect(result).toMatchObject({
      errorCode: 'proxy_error',
      error: 'no connection to the proxy (ECONNREFUSED)',
    });
  });
});

describe('a delivery through a proxy', () => {
  const given = DeliveryFixture.inThisFile();

  it.each([
    ['answers 407', 'proxy_error', 0],
    ['answers 502', 'connection_refused', 1],
  ])('that %s is tried again: %s, tries used up: %i', async (says, reason, used) => {
    const { url } = await proxy((socket) => socket.end(`HTTP/1.1 ${says.slice(-3)} No\r\n\r\n`));
    const endpoint = await given.side.endpoint('https://receiver.invalid/');
    const [message] = await given.side.accept([endpoint]);
    given.serve([], given.side.services([30], { WEBHOOK_PROXY_URL: url }));
    const row = await given.side.untilState(message!, endpoint, 'retrying');
    expect({ reason: row.reason, used: row.n - (row.base ?? 0) }).toEqual({ reason, used });
    expect((await given.side.attempts(message!))[0]).toMatchObject({ errorCode: reason, ip: null });
  });
});

describe('allowed ports', () => {
  it.each([false, true])('are the only ones that are connected to (through a proxy: %s)', async (proxied) => {
    const [port, other] = [await receiver(), await receiver()];
    const options = {
      ...(proxied ? { proxyUrl: (await proxy()).url } : {}),
      ...{ allowed: parseRanges(['127.0.0.1/32']), allowedPorts: [port] },
    };
    expect(await send(`http://127.0.0.1:${port}/`, options)).toMatchObject({ code: 200 });
    expect(await send(`http://127.0.0.1:${other}/`, options)).toMatchObject({
      ...{ errorCode: 'forbidden_address', error: `port ${other} is not allowed` },
    });
  });
});
