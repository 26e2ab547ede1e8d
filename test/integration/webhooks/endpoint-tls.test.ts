import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { jest } from '@jest/globals';
import mongoose from 'mongoose';
import { CertificateAuthority, selfSigned } from '../../support/certificates.js';
import type { Certificate } from '../../support/certificates.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

interface Problem {
  code: string;
  detail: { loc: string[]; msg: string }[];
}

jest.setTimeout(60_000);

let running: RunningStack;
let authority: CertificateAuthority;
let other: CertificateAuthority;
let ours: Certificate;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  running = await runningStack({ WEBHOOK_RETRY_SCHEDULE: '3600' });
  authority = await CertificateAuthority.create();
  other = await CertificateAuthority.create('CN=Another authority');
  ours = await authority.issue('holdfast.test');
}, 120_000);
afterEach(() => closing.splice(0).forEach((close) => close()));
afterAll(() => running?.end(), 60_000);

/** A receiver on https://localhost that remembers the names on the client certificates it was shown. */
async function receiver(options: ServerOptions = {}): Promise<{ url: string; clients: string[] }> {
  const clients: string[] = [];
  const server = createServer(
    { ...(await authority.issue('localhost')), ...options },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      clients.push(String(subject?.CN ?? 'nobody'));
      request.resume().on('end', () => response.writeHead(204).end());
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `https://localhost:${(server.address() as AddressInfo).port}/hook`, clients };
}

const asksForCertificate = (): ServerOptions => ({
  requestCert: true,
  rejectUnauthorized: true,
  ca: authority.cert,
});

const put = async (app: string, ep: string, what: 'ca' | 'mtls', body: unknown) =>
  running.api.call<Problem>('PUT', `/api/v1/app/${app}/endpoint/${ep}/${what}`, { body });

/** What became of the first try of a new message: its HTTP status, or the word for why there was none. */
async function firstTry(app: string, ep: string): Promise<string | number> {
  const { api } = running;
  const payload = { eventType: 'order.placed', payload: { n: 1 } };
  const { body: message } = await api.post<{ id: string }>(`/api/v1/app/${app}/msg`, payload);
  const path = `/api/v1/app/${app}/delivery?endpoint_id=${ep}`;
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    const { body } = await api.get<{ data: { id: string; msgId: string; state: string }[] }>(path);
    const found = body.data.find((one) => one.msgId === message.id && one.state !== 'pending');
    if (found !== undefined) {
      const delivery = await api.get<{ history: { why: string | null; responseStatusCode: number }[] }>(
        `/api/v1/app/${app}/delivery/${found.id}`,
      );
      const first = delivery.body.history[0]!;
      return first.why ?? first.responseStatusCode;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('no try within 20 s');
}

describe('an endpoint with authorities of its own', () => {
  it('is delivered to where its authority vouches for the receiver, and not without it', async () => {
    const { url } = await receiver();
    const { app, ep } = await running.api.target(url);
    expect(await firstTry(app, ep)).toBe('tls_error');
    expect((await put(app, ep, 'ca', { cert: authority.cert })).status).toBe(204);
    expect(await firstTry(app, ep)).toBe(204);
    const { body } = await running.api.get<{ cert: string }>(`/api/v1/app/${app}/endpoint/${ep}/ca`);
    expect(body.cert.replaceAll(/\s/g, '')).toBe(authority.cert.replaceAll(/\s/g, ''));
  });

  it('trusts nobody else, and the public ones again when they are taken away', async () => {
    const { url } = await receiver();
    const { app, ep } = await running.api.target(url);
    await put(app, ep, 'ca', { cert: authority.cert });
    expect(await firstTry(app, ep)).toBe(204);
    await put(app, ep, 'ca', { cert: other.cert });
    expect(await firstTry(app, ep)).toBe('tls_error');
    expect((await put(app, ep, 'ca', { cert: null })).status).toBe(204);
    expect((await running.api.get(`/api/v1/app/${app}/endpoint/${ep}/ca`)).body).toEqual({ cert: null });
    expect(await firstTry(app, ep)).toBe('tls_error');
  });

  it('vouches for the name of the URL alone', async () => {
    const { url } = await receiver(await authority.issue('elsewhere.test'));
    const { app, ep } = await running.api.target(url);
    await put(app, ep, 'ca', { cert: authority.cert });
    expect(await firstTry(app, ep)).toBe('tls_error');
  });
});

describe('an endpoint with a client certificate', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('shows it where it is asked for it (%s)', async (maxVersion) => {
    const { url, clients } = await receiver({ ...asksForCertificate(), maxVersion });
    const { app, ep } = await running.api.target(url);
    await put(app, ep, 'ca', { cert: authority.cert });
    expect(await firstTry(app, ep)).toBe('tls_error');
    expect((await put(app, ep, 'mtls', { identity: ours.key + ours.cert })).status).toBe(204);
    expect(await firstTry(app, ep)).toBe(204);
    expect(clients).toEqual(['holdfast.test']);
    expect((await running.api.call('DELETE', `/api/v1/app/${app}/endpoint/${ep}/mtls`)).status).toBe(204);
    expect(await firstTry(app, ep)).toBe('tls_error');
  });

  it('shares neither connections nor certificates with another endpoint of the same receiver', async () => {
    const { url, clients } = await receiver({ requestCert: true, rejectUnauthorized: false });
    const theirs = await authority.issue('another.test');
    const first = await running.api.target(url);
    const second = await running.api.target(url);
    const bare = await running.api.target(url);
    for (const { app, ep } of [first, second, bare]) await put(app, ep, 'ca', { cert: authority.cert });
    await put(first.app, first.ep, 'mtls', { identity: ours.cert + ours.key });
    await put(second.app, second.ep, 'mtls', { identity: theirs.cert + theirs.key });
    for (const { app, ep } of [first, second, bare, first]) expect(await firstTry(app, ep)).toBe(204);
    expect(clients).toEqual(['holdfast.test', 'another.test', 'nobody', 'holdfast.test']);
  });

  it('tells about the certificate, and never about the key', async () => {
    const { api, stack } = running;
    const { app, ep } = await api.target('https://receiver.example/hook');
    const path = `/api/v1/app/${app}/endpoint/${ep}`;
    expect((await api.get(`${path}/mtls`)).status).toBe(404);
    expect((await api.get(`${path}/mtls-config`)).body).toEqual({ enabled: false, config: null });
    await put(app, ep, 'mtls', { identity: ours.key + ours.cert });
    const answers = await Promise.all(
      ['', '/mtls', '/mtls-config', '/ca', '/headers', '/secret', '/policy'].map((end) =>
        api.get(path + end),
      ),
    );
    expect(answers[1]!.body).toMatchObject({ subject: 'CN=holdfast.test' });
    expect(answers[2]!.body).toEqual({ enabled: true, config: answers[1]!.body });
    await put(app, ep, 'mtls', { identity: `${ours.key}${ours.key}${ours.cert}` });
    const connection = await mongoose.createConnection(stack.mongodbUrl, { dbName: 'holdfast' }).asPromise();
    const row = await connection.collection('wh_endpoints').findOne({ _id: ep as never });
    await connection.close();
    expect(row).toMatchObject({ tlsEnc: expect.stringMatching(/^v1:/) });
    const logs = readdirSync(join(stack.dataDir, 'logs'));
    const written = logs.map((name) => readFileSync(join(stack.dataDir, 'logs', name), 'utf8'));
    expect(written.join('').length).toBeGreaterThan(0);
    const all = [...answers.map(({ body }) => JSON.stringify(body)), JSON.stringify(row), ...written].join(
      '',
    );
    const secret = ours.key.split('\n')[1]!;
    expect(all).not.toContain(secret);
    expect(all).not.toContain('PRIVATE KEY');
  });
});

describe('certificates that cannot work', () => {
  it.each<[string, () => Promise<string>, RegExp]>([
    ['another key', async () => (await selfSigned('a.test')).key + ours.cert, /does not belong/],
    ['no key', async () => ours.cert, /one private key, got 0/],
    ['no certificate', async () => ours.key, /got 0/],
    ['text', async () => 'secret', /one private key/],
    ['a key that is none', async () => ours.cert + cut(ours.key), /cannot be read/],
    ['a certificate that is none', async () => ours.key + cut(ours.cert), /not an X.509/],
    ['an end that is missing', async () => ours.key + ours.cert.slice(0, -30), /does not end/],
    ['a certificate that ended', expired, /certificate 1 expired at 20/],
  ])('a client certificate with %s is refused, with the place', async (_, identity, why) => {
    const { app, ep } = await running.api.target('https://receiver.example/hook');
    const { status, body } = await put(app, ep, 'mtls', { identity: await identity() });
    expect({ status, loc: body.detail[0]?.loc }).toEqual({ status: 422, loc: ['body', 'identity'] });
    expect(body.detail[0]?.msg).toMatch(why);
    expect(JSON.stringify(body)).not.toContain(ours.key.split('\n')[1]);
  });

  it.each<[string, () => string, RegExp]>([
    ['a private key', () => ours.cert + ours.key, /certificates only/],
    ['nothing readable', () => 'hello', /expected 1 to 10/],
    ['eleven certificates', () => ours.cert.repeat(11), /got 11/],
  ])('authorities with %s are refused, with the place', async (_, cert, why) => {
    const { app, ep } = await running.api.target('https://receiver.example/hook');
    const { status, body } = await put(app, ep, 'ca', { cert: cert() });
    expect({ status, loc: body.detail[0]?.loc }).toEqual({ status: 422, loc: ['body', 'cert'] });
    expect(body.detail[0]?.msg).toMatch(why);
  });
});

/** The middle of a PEM block taken away. */
const cut = (pem: string) => pem.replace(/\n[^-]+\n/, '\nAAAA\n');

async function expired(): Promise<string> {
  const { key, cert } = await authority.issue('holdfast.test', -1);
  return key + cert;
}
