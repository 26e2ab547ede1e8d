import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { jest } from '@jest/globals';
import { HttpSender } from '../../../src/activities/webhooks/http-sender.js';
import type { HttpSenderOptions } from '../../../src/activities/webhooks/http-sender.js';
import { parseRanges } from '../../../src/domain/webhooks/forbidden-address.js';
import { CertificateAuthority, selfSigned } from '../../support/certificates.js';
import { liveMiB } from '../../support/live-memory.js';

jest.setTimeout(60_000);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listening(server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the sender hangs up whenever it has had enough
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, host, resolve);
  });
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

const receiver = (listener: RequestListener, host?: string, port?: number) =>
  listening(createServer(listener), host, port);
const raw = (onConnection: (socket: Socket) => void) => listening(createTcpServer(onConnection));

function sender(options: Partial<HttpSenderOptions> = {}): HttpSender {
  const made = new HttpSender({ allowed: parseRanges(['127.0.0.1/32']), ...options });
  closing.push(() => made.close());
  return made;
}

const post = (url: string, from = sender(), timeoutMs = 5000) =>
  from.send({ url: new URL(url), headers: {}, body: Buffer.from('{}'), timeoutMs });

describe('a name that changes its mind', () => {
  it('is connected to at the address that was checked, also when it resolves elsewhere by then', async () => {
    const arrived: string[] = [];
    const port = await receiver((_, response) => {
      arrived.push('forbidden');
      response.end();
    });
    await receiver(
      (_, response) => {
        arrived.push('checked');
        response.writeHead(200, { connection: 'close' }).end();
      },
      '127.0.0.2',
      port,
    );
    let asked = 0;
    const lookup = () => Promise.resolve([asked++ === 0 ? '127.0.0.2' : '127.0.0.1']);
    const from = sender({ lookup, allowed: parseRanges(['127.0.0.2/32']) });
    for (let i = 0; i < 5; i++) {
      expect(await post(`http://rebinding.test:${port}/`, from)).toMatchObject({
        code: 200,
        ip: '127.0.0.2',
      });
    }
    expect(arrived).toEqual(Array.from({ length: 5 }, () => 'checked'));
  });

  it.each([
    ['mapped', '::ffff:7f00:1'],
    ['compatible', '::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:80ff:fffe'],
    ['ISATAP', '2606:4700::5efe:7f00:1'],
    ['unique local', 'fd00::1'],
    ['link local', 'fe80::1'],
    ['loopback beside a public one', '::1'],
  ])('is refused when it answers with a private address inside IPv6: %s', async (_, address) => {
    let requests = 0;
    const port = await receiver((_request, response) => {
      requests += 1;
      response.end();
    });
    const from = sender({ allowed: [], lookup: () => Promise.resolve(['2606:4700::1111', address]) });
    expect(await post(`http://receiver.test:${port}/`, from)).toMatchObject({
      ...{ code: 0, errorCode: 'forbidden_address', ip: null },
    });
    expect(requests).toBe(0);
  });
});

describe('a receiver that points elsewhere', () => {
  it.each([301, 302, 303, 307, 308])(
    'with %d has nobody sent to the private address it names',
    async (code) => {
      let reached = 0;
      const secret = await receiver((_, response) => {
        reached += 1;
        response.end();
      }, '127.0.0.3');
      const port = await receiver((_, response) => {
        response.writeHead(code, { location: `http://127.0.0.3:${secret}/admin` }).end();
      });
      expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ code });
      expect(reached).toBe(0);
    },
  );
});

describe('a receiver that takes its time', () => {
  const withinLimit = async (port: number, scheme = 'http') => {
    const started = performance.now();
    const result = await post(`${scheme}://127.0.0.1:${port}/`, sender(), 400);
    expect(result).toMatchObject({ code: 0, errorCode: 'timeout' });
    expect(performance.now() - started).toBeLessThan(3000);
  };
  const drip = (socket: Socket, text: string) => {
    const timer = setInterval(() => socket.write(text), 20);
    socket.on('close', () => clearInterval(timer));
  };

  it('is given up while it drips its head byte by byte', async () => {
    const port = await raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      drip(socket, 'x');
    });
    await withinLimit(port);
  });

  it('is given up while it drips its body byte by byte', async () => {
    const port = await raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
      drip(socket, 'x');
    });
    await withinLimit(port);
  });

  it('is given up while it goes on with 1xx answers', async () => {
    const port = await raw((socket) => drip(socket, 'HTTP/1.1 102 Processing\r\n\r\n'));
    await withinLimit(port);
  });

  it('is given up when it never shakes hands', async () => {
    await withinLimit(await raw(() => undefined), 'https');
  });

  it('is given up when it never takes the connection', async () => {
    const code = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    closing.push(() => child.kill('SIGKILL'));
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(printed.toString());
    // The kernel takes connections for a process that stands still until its queue is full.
    child.kill('SIGSTOP');
    const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    closing.push(() => fillers.forEach((socket) => socket.destroy()));
    await once(fillers[0]!, 'connect');
    await withinLimit(port);
  });
});

describe('a receiver that answers without end', () => {
  const GIB = 1024 ** 3;

  it('with 1 GiB costs no memory, however many do it at once', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const port = await receiver((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-length': GIB });
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    const from = sender();
    const url = `http://127.0.0.1:${port}/`;
    const round = () => Promise.all(Array.from({ length: 50 }, () => post(url, from)));
    await round();
    const before = liveMiB();
    for (let i = 0; i < 4; i++) {
      for (const result of await round()) expect(result.response).toHaveLength(16_384);
    }
    // 200 answers of 1 GiB: what sockets hold that are just being closed is little, anything kept would show.
    expect(liveMiB() - before).toBeLessThan(48);
  });

  it('of header lines is cut off', async () => {
    const port = await raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x-more: 0123456789\r\n'.repeat(100)), 1);
      socket.on('close', () => clearInterval(timer));
    });
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ errorCode: 'invalid_response' });
  });

  it.each([
    ['two lengths that differ', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: 1e9\r\n\r\n'],
    ['a chunk that is no chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['another protocol', '220 smtp.example ESMTP\r\n'],
  ])('is a failed try with %s', async (_, text) => {
    const port = await raw((socket) => void socket.end(text));
    const result = await post(`http://127.0.0.1:${port}/`, sender(), 2000);
    expect(result).toMatchObject({ code: 0, errorCode: 'invalid_response' });
  });
});

describe('a receiver with a certificate that must not be trusted', () => {
  const lookup = () => Promise.resolve(['127.0.0.1']);
  const secure = (options: ServerOptions) =>
    listening(createTlsServer(options, (_, response) => response.end()));

  it('gets nothing when it is expired, for another host, or from nobody that is known', async () => {
    const ca = await CertificateAuthority.create();
    const from = sender({ lookup, ca: ca.cert });
    const requests: [string, ServerOptions][] = [
      ['expired', await ca.issue('receiver.test', -1)],
      ['another host', await ca.issue('other.test')],
      ['self-signed', await selfSigned('receiver.test')],
      ['another authority', await (await CertificateAuthority.create()).issue('receiver.test')],
    ];
    for (const [why, options] of requests) {
      const result = await post(`https://receiver.test:${await secure(options)}/`, from);
      expect([why, result.code, result.errorCode]).toEqual([why, 0, 'tls_error']);
    }
    const good = await secure(await ca.issue('receiver.test'));
    expect(await post(`https://receiver.test:${good}/`, from)).toMatchObject({ code: 200 });
  });

  it('gets nothing when it speaks less than TLS 1.2', async () => {
    const ca = await CertificateAuthority.create();
    const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const port = await secure({ ...(await ca.issue('receiver.test')), ...options });
    expect(await post(`https://receiver.test:${port}/`, sender({ lookup, ca: ca.cert }))).toMatchObject({
      ...{ code: 0, errorCode: 'tls_error' },
    });
  });
});
