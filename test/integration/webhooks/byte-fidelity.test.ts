import { Webhook } from 'standardwebhooks';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

let running: RunningStack;
let app: string;
let secret: string;
beforeAll(async () => {
  running = await runningStack({ WEBHOOK_RETRY_SCHEDULE: '0.1' });
  const made = await running.api.target(`${running.sink.url}/hook`);
  app = made.app;
  const path = `/api/v1/app/${app}/endpoint/${made.ep}/secret`;
  secret = (await running.api.get<{ key: string }>(path)).body.key;
}, 120_000);
afterAll(() => running?.end(), 60_000);

/** Posts a request body as it stands. @returns the message id */
async function post(raw: string): Promise<string> {
  const { status, body } = await running.api.call<{ id: string }>('POST', `/api/v1/app/${app}/msg`, { raw });
  expect(status).toBe(202);
  return body.id;
}

describe('a payload', () => {
  it.each<[string, string]>([
    ['a decimal with a zero at its end', '{"cost":1.50}'],
    ['an integer of 20 digits', '{"n":12345678901234567890}'],
    ['a number beyond any double', '{"n":1e400,"m":-0,"small":1E-400,"z":0.10000000000000000555}'],
    ['its order of keys', '{"b":1,"a":2,"10":3,"2":4}'],
    ['a key that comes twice', '{"a":{"x":1,"x":2}}'],
    ['escapes', '{"s":"\\u00e9 \\/ \\" \\\\ \\ud83d\\ude00 \\n","\\u006b":1}'],
    ['characters outside ASCII', '{"größe":"😀 日本 \u2028"}'],
    ['whitespace', '{ "a" :\t[ 1 ,\r\n  2 ] , "b" : { } }'],
    ['an empty object', '{}'],
    ['what looks like the end of a payload', '{"s":"}],\\"payload\\":{","payload":{"payload":[]}}'],
  ])(
    'with %s arrives with the bytes it came with, at the retry too',
    async (_, payload) => {
      running.sink.answer = ({ headers }, response) =>
        void response.writeHead(headers['webhook-attempt'] === '1' ? 500 : 204).end();
      const id = await post(`{"tags":["payload"], "payload":${payload} ,"eventType":"bytes.test"}`);
      await running.sink.until(() => running.sink.counts.get(id) === 2, 20_000, 'both tries');
      const arrivals = running.sink.arrivals.filter((one) => one.id === id);
      for (const { body, headers } of arrivals) {
        expect(body.toString()).toBe(payload);
        expect(() => new Webhook(secret).verify(body, headers as Record<string, string>)).not.toThrow();
      }
    },
    30_000,
  );
});
