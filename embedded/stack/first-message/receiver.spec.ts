import { Webhook } from 'standardwebhooks';
import { Receiver, type Arrival } from './receiver.js';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

describe('the built-in receiver', () => {
  let receiver: Receiver;
  let arrivals: Arrival[];
  beforeEach(async () => {
    arrivals = [];
    receiver = await Receiver.start((arrival) => arrivals.push(arrival));
    receiver.secret = SECRET;
  });
  afterEach(() => receiver.close());

  const deliver = (id: string, body: string, secret = SECRET) => {
    const at = new Date();
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
    };
    return fetch(receiver.url, { method: 'POST', headers, body });
  };

  it('accepts a signature made by the Standard Webhooks library', async () => {
    expect((await deliver('msg_1', '{"n":1}')).status).toBe(204);
    expect(arrivals).toEqual([{ messageId: 'msg_1', body: '{"n":1}', verified: true }]);
  });

  it('tells when the signature does not fit', async () => {
    await deliver('msg_1', '{}', `whsec_${Buffer.alloc(24, 8).toString('base64')}`);
    expect(arrivals).toMatchObject([{ verified: false }]);
  });

  it('refuses what is no webhook', async () => {
    expect((await fetch(receiver.url, { method: 'POST', body: '{}' })).status).toBe(400);
    expect(arrivals).toEqual([]);
  });

  it('waits for a message that is still to come, and knows one that came before', async () => {
    const later = receiver.arrivalOf('msg_2', 5_000);
    await deliver('msg_2', '{}');
    await later;
    await receiver.arrivalOf('msg_2', 5_000);
    await expect(receiver.arrivalOf('msg_3', 10)).rejects.toThrow('msg_3 did not arrive within 0.01 s');
  });
});
