import { generateKeyPairSync } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { verify } from '../../../src/domain/webhooks/verify.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import type { Arrival } from '../../support/webhook-sink.js';

let running: RunningStack;
beforeAll(async () => {
  running = await runningStack();
}, 120_000);
afterAll(() => running?.end(), 60_000);

interface Target {
  app: string;
  /** The endpoint's path in the API. */
  path: string;
}

async function target(endpoint: object = {}): Promise<Target> {
  const { app, ep } = await running.api.target(`${running.sink.url}/hook`, { ...endpoint });
  return { app, path: `/api/v1/app/${app}/endpoint/${ep}` };
}

const secretOf = async ({ path }: Target) =>
  (await running.api.get<{ key: string }>(`${path}/secret`)).body.key;
const rotate = ({ path }: Target, body: object) =>
  running.api.post<{ code?: string }>(`${path}/secret/rotate`, body);

/** A message as it arrives. */
async function sent({ app }: Target): Promise<Arrival> {
  const { body } = await running.api.post<{ id: string }>(`/api/v1/app/${app}/msg`, {
    ...{ eventType: 'key.test', payload: { n: 1 } },
  });
  await running.sink.untilArrived([body.id], 20_000);
  return running.sink.arrivals.find(({ id }) => id === body.id)!;
}

/** Whether a receiver with this secret takes it, in the opinion of the standardwebhooks package. */
function isTaken({ body, headers }: Arrival, secret: string): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

/** An ed25519 key as Standard Webhooks writes it. */
function ed25519(): { secret: string; verifying: string } {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const [seed, point] = [Buffer.from(d!, 'base64url'), Buffer.from(x!, 'base64url')];
  return {
    secret: `whsk_${Buffer.concat([seed, point]).toString('base64')}`,
    verifying: `whpk_${point.toString('base64')}`,
  };
}

const signatures = ({ headers }: Arrival) => String(headers['webhook-signature']).split(' ');

describe('a rotated secret', () => {
  it('is taken beside the new one until its overlap ends, and not after', async () => {
    const endpoint = await target();
    const old = await secretOf(endpoint);
    const before = await sent(endpoint);
    expect([isTaken(before, old), signatures(before).length]).toEqual([true, 1]);
    const graceMs = 3000;
    const rotatedMs = Date.now();
    expect((await rotate(endpoint, { gracePeriodSeconds: graceMs / 1000 })).status).toBe(204);
    const current = await secretOf(endpoint);
    expect(current).not.toBe(old);
    const during = await sent(endpoint);
    expect([isTaken(during, current), isTaken(during, old)]).toEqual([true, true]);
    let after = during;
    while (isTaken(after, old)) {
      expect(Date.now()).toBeLessThan(rotatedMs + graceMs + 15_000);
      after = await sent(endpoint);
      expect(isTaken(after, current)).toBe(true);
    }
    expect(after.atMs).toBeGreaterThanOrEqual(rotatedMs + graceMs);
    expect(signatures(after)).toHaveLength(1);
  }, 60_000);

  it('ends at once where the overlap is zero', async () => {
    const endpoint = await target();
    const old = await secretOf(endpoint);
    expect((await rotate(endpoint, { gracePeriodSeconds: 0 })).status).toBe(204);
    const arrival = await sent(endpoint);
    expect([isTaken(arrival, await secretOf(endpoint)), isTaken(arrival, old)]).toEqual([true, false]);
  }, 60_000);

  it('may have ten before it that are still taken, and no eleventh', async () => {
    const endpoint = await target();
    const secrets = [await secretOf(endpoint)];
    for (let n = 0; n < 10; n++) {
      expect((await rotate(endpoint, {})).status).toBe(204);
      secrets.push(await secretOf(endpoint));
    }
    const refused = await rotate(endpoint, {});
    expect([refused.status, refused.body.code]).toEqual([400, 'limit_reached']);
    const arrival = await sent(endpoint);
    expect(signatures(arrival)).toHaveLength(11);
    expect(secrets.map((secret) => isTaken(arrival, secret))).toEqual(secrets.map(() => true));
  }, 60_000);
});

describe('an ed25519 key', () => {
  it('signs, and only its public half is shown', async () => {
    const key = ed25519();
    const endpoint = await target({ secret: key.secret });
    expect(await secretOf(endpoint)).toBe(key.verifying);
    const arrival = await sent(endpoint);
    expect(signatures(arrival).map((one) => one.split(',')[0])).toEqual(['v1a']);
    expect(judged(arrival, key.verifying)).toEqual({ n: 1 });
    expect(() => judged(arrival, ed25519().verifying)).toThrow('signature');
  }, 60_000);

  it('may follow a symmetric one: both sign during the overlap, newest first', async () => {
    const endpoint = await target();
    const old = await secretOf(endpoint);
    const key = ed25519();
    expect((await rotate(endpoint, { key: key.secret, gracePeriodSeconds: 600 })).status).toBe(204);
    const arrival = await sent(endpoint);
    expect(signatures(arrival).map((one) => one.split(',')[0])).toEqual(['v1a', 'v1']);
    expect(isTaken(arrival, old)).toBe(true);
    expect(judged(arrival, key.verifying)).toEqual({ n: 1 });
  }, 60_000);

  const judged = ({ body, headers }: Arrival, secret: string) =>
    verify(body, headers as Record<string, string>, secret, { nowSec: Math.floor(Date.now() / 1000) });
});
