import { createHmac, createSecretKey } from 'node:crypto';
import { OFFER_SIGNATURE } from '../../../src/contracts/webhooks/lane-offer.js';
import type { OfferedMessage } from '../../../src/contracts/webhooks/lane-offer.js';
import { HintServer } from '../../../src/workers/hint-server.js';

const key = createSecretKey(Buffer.alloc(32, 1));
const hinted: string[] = [];
const offered: [string, OfferedMessage[]][] = [];
let takes = true;
const server = new HintServer({
  host: '127.0.0.1',
  port: 0,
  temporalMetrics: '127.0.0.1:1',
  offerKey: key,
  onHint: (lane) => void hinted.push(lane),
  onOffer: (lane, messages) => {
    offered.push([lane, messages]);
    return takes;
  },
});

beforeAll(() => server.listen());
afterAll(() => server.close());
beforeEach(() => {
  hinted.length = 0;
  offered.length = 0;
  takes = true;
});

const post = (body: string, signature?: string) =>
  fetch(server.url('p1'), {
    method: 'POST',
    body,
    headers: signature === undefined ? {} : { [OFFER_SIGNATURE]: signature },
  });
const sign = (body: string) => createHmac('sha256', key).update(body).digest('base64');

describe('the hint server of a worker', () => {
  it('passes a hint on to its lane', async () => {
    expect((await post('')).status).toBe(204);
    expect([hinted, offered]).toEqual([['p1'], []]);
  });

  it('passes an offer of the API on, and says when it must be read instead', async () => {
    const body = JSON.stringify([{ id: 'msg_1' }]);
    expect((await post(body, sign(body))).status).toBe(204);
    takes = false;
    expect((await post(body, sign(body))).status).toBe(409);
    expect(offered).toEqual([
      ['p1', [{ id: 'msg_1' }]],
      ['p1', [{ id: 'msg_1' }]],
    ]);
  });

  it('has nothing sent for somebody who does not hold the key', async () => {
    const body = JSON.stringify([{ id: 'forged' }]);
    expect((await post(body)).status).toBe(401);
    expect((await post(body, sign('[]'))).status).toBe(401);
    expect((await post(body, 'AAAA')).status).toBe(401);
    expect(offered).toEqual([]);
  });

  it('serves metrics and liveness, also while the Temporal core serves none', async () => {
    const base = new URL(server.url('p1')).origin;
    const metrics = await (await fetch(`${base}/metrics`)).text();
    expect(metrics).toContain('holdfast_webhook_delivered_total');
    expect(metrics).toContain('# Temporal core metrics cannot be read');
    expect(await (await fetch(`${base}/healthz`)).json()).toEqual({ status: 'ok' });
    expect((await fetch(`${base}/other`)).status).toBe(404);
  });
});
