import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';

const SECRET = 'hunter2-and-more';

let running: RunningStack;
let tokens: TokenServer;
beforeAll(async () => {
  running = await runningStack();
  tokens = await TokenServer.start();
}, 120_000);
afterAll(async () => {
  tokens?.end();
  await running?.end();
}, 60_000);

/** Gives a new token for each good request. */
class TokenServer {
  readonly requests: { headers: IncomingHttpHeaders; body: URLSearchParams }[] = [];
  refuses = false;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<TokenServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const made = new TokenServer(server, `http://127.0.0.1:${port}/token`);
    server.on('request', (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        made.requests.push({ headers: request.headers, body: new URLSearchParams(body) });
        const [status, answer] = made.refuses
          ? [401, { error: 'invalid_client', error_description: body }]
          : [200, { access_token: made.current, token_type: 'Bearer', expires_in: 3600 }];
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
    });
    return made;
  }

  /** The latest token. */
  get current(): string {
    return `token-${this.requests.length}`;
  }

  end(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

const config = (clientId: string) => ({
  ...{ grantType: 'clientCredentials', authMethod: 'clientSecretBasic', clientId, clientSecret: SECRET },
  ...{ tokenUrl: tokens.url, scopes: ['hooks'], extraParams: { audience: 'erp', api_key: SECRET } },
});

async function target(clientId: string, path: string) {
  const { api, sink } = running;
  const { app, ep } = await api.target(`${sink.url}${path}`);
  const at = `/api/v1/app/${app}/endpoint/${ep}`;
  await api.call('PUT', `${at}/policy`, { body: { retrySchedule: [1, 1, 1], breaker: 'off' } });
  const put = await api.call('PUT', `${at}/oauth`, { body: config(clientId) });
  expect(put.status).toBe(204);
  const send = async () =>
    (await api.post<{ id: string }>(`/api/v1/app/${app}/msg`, { eventType: 'a.b', payload: {} })).body.id;
  return { app, ep, at, send };
}

const shownTo = (path: string) =>
  running.sink.arrivals.filter((one) => one.path === path).map(({ headers }) => headers.authorization);

describe('an endpoint with OAuth', () => {
  it('is shown a token, which is asked for once and kept', async () => {
    const { api, sink } = running;
    sink.take();
    const { app, ep, send } = await target('one', '/one');
    const before = tokens.requests.length;
    const ids = [await send(), await send(), await send()];
    await sink.untilArrived(ids, 20_000);
    expect(tokens.requests.length).toBe(before + 1);
    const { headers, body } = tokens.requests.at(-1)!;
    expect(Buffer.from(headers.authorization!.slice(6), 'base64').toString()).toBe(`one:${SECRET}`);
    expect(Object.fromEntries(body)).toMatchObject({ grant_type: 'client_credentials', scope: 'hooks' });
    expect(shownTo('/one')).toEqual(ids.map(() => `Bearer ${tokens.current}`));
    const list = () =>
      api.get<{ data: { id: string; msgId: string }[] }>(`/api/v1/app/${app}/attempt/endpoint/${ep}`);
    const { body: attempts } = await until(list, ({ body: { data } }) => data.length === 3, 20_000);
    const { id, msgId } = attempts.data[0]!;
    const shown = await api.get<{ sensitive: string[] }>(
      `/api/v1/app/${app}/msg/${msgId}/attempt/${id}/headers`,
    );
    expect(shown.body.sensitive).toEqual(['authorization']);
    expect(JSON.stringify(shown.body)).not.toContain('token-');
  }, 60_000);

  it('that refuses a token is shown another at the next try', async () => {
    const { sink } = running;
    let good = '';
    sink.answer = ({ headers }, response) => {
      good ||= `Bearer token-${tokens.requests.length + 1}`;
      response.writeHead(headers.authorization === good ? 204 : 401).end();
    };
    const { send } = await target('two', '/two');
    await send();
    await sink.until(() => shownTo('/two').length === 2, 20_000, 'a second try');
    expect(shownTo('/two')).toEqual([expect.not.stringMatching(good), good]);
  }, 60_000);

  it('gets nothing while there is no token: a failed try that says why', async () => {
    const { api } = running;
    tokens.refuses = true;
    const { app, ep, send } = await target('three', '/three');
    await send();
    const delivery = () =>
      api.get<{ data: { id: string; reason: string }[] }>(`/api/v1/app/${app}/delivery?endpoint_id=${ep}`);
    const { body } = await until(delivery, (answer) => answer.body.data[0]?.reason === 'oauth_error', 20_000);
    const one = await api.get(`/api/v1/app/${app}/delivery/${body.data[0]!.id}`);
    expect(JSON.stringify(one.body)).toContain('answered 401 (invalid_client)');
    expect(shownTo('/three')).toEqual([]);
    tokens.refuses = false;
    await running.sink.until(() => shownTo('/three').length === 1, 20_000, 'a try with a token');
  }, 60_000);

  it('tells about its configuration, never about its secrets, and can do without again', async () => {
    const { api, sink, stack } = running;
    sink.take();
    const { ep, at, send } = await target('four', '/four');
    const shown = await api.get<Record<string, unknown>>(`${at}/oauth`);
    const { clientSecret: _, ...rest } = config('four');
    expect(shown.body).toEqual({
      ...{ ...rest, extraHeaders: null },
      extraParams: { audience: 'erp', api_key: '***' },
    });
    expect((await api.get(`${at}/oauth-config`)).body).toEqual({ enabled: true, config: shown.body });
    const connection = await mongoose.createConnection(stack.mongodbUrl, { dbName: 'holdfast' }).asPromise();
    const row = await connection.collection('wh_endpoints').findOne({ _id: ep as never });
    await connection.close();
    expect(row).toMatchObject({ oauthEnc: expect.stringMatching(/^v1:/) });
    const logs = readdirSync(join(stack.dataDir, 'logs'));
    const written = logs.map((name) => readFileSync(join(stack.dataDir, 'logs', name), 'utf8')).join('');
    const endpoint = JSON.stringify((await api.get(at)).body);
    expect(JSON.stringify(row) + endpoint + written).not.toContain(SECRET);
    expect((await api.call('DELETE', `${at}/oauth`)).status).toBe(204);
    expect((await api.get(`${at}/oauth-config`)).body).toEqual({ enabled: false, config: null });
    expect((await api.get(`${at}/oauth`)).status).toBe(404);
    await sink.untilArrived([await send()], 20_000);
    expect(shownTo('/four')).toEqual([undefined]);
  }, 60_000);
});

describe('an OAuth configuration that cannot work', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a token URL with a private address', { tokenUrl: 'http://10.0.0.1/token' }, '/tokenUrl'],
    ['a token URL that is none', { tokenUrl: 'token' }, '/tokenUrl'],
    ['another grant', { grantType: 'refreshToken' }, '/grantType'],
    ['another method', { authMethod: 'clientSecretJwt' }, '/authMethod'],
    ['no secret', { clientSecret: null }, '/clientSecret'],
    ['a scope with a space', { scopes: ['a b'] }, '/scopes/0'],
    ['a parameter of ours', { extraParams: { client_secret: 'x' } }, '/extraParams'],
    ['a reserved header', { extraHeaders: { host: 'x' } }, '/extraHeaders/host'],
  ])('%s is refused', async (_, members, pointer) => {
    const { app, ep } = await running.api.target(running.sink.url);
    const body = { ...config('bad'), ...members };
    const answer = await running.api.call<{ code: string; errors: { pointer: string }[] }>(
      ...(['PUT', `/api/v1/app/${app}/endpoint/${ep}/oauth`, { body }] as const),
    );
    expect([answer.status, answer.body.code]).toEqual([422, 'validation']);
    expect(answer.body.errors[0]!.pointer).toBe(pointer);
  });
});
