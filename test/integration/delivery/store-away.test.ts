import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';

jest.setTimeout(120_000);

/** A request waits two seconds for the database; the rest is for a busy machine. */
const AWAY_ANSWER_MS = 3_500;
/** The heartbeat may find out a server that hangs a second late, and another two later the answer is there. */
const HANGING_ANSWER_MS = 8_000;

let running: RunningStack;

afterEach(() => running.end());

interface Told {
  status: number;
  retryAfter: string | null;
  ms: number;
}

/** Everything a client may ask, each with how long its answer took. */
function askAll({ api }: RunningStack, app: string): Promise<Told>[] {
  const message = { eventType: 'load.test', payload: { n: 1 } };
  const key = { idempotencyKey: `k-${Math.random()}` };
  const path = `/api/v1/app/${app}`;
  const asked = [
    () => api.post(`${path}/msg`, message),
    () => api.call('POST', `${path}/msg`, { body: message, ...key }),
    () => api.post(`${path}/msg/batch`, { items: [message] }),
    () => api.call('POST', '/api/v1/app', { body: { name: 'x' }, ...key }),
    () => api.get(path),
    () => api.get('/api/v1/app'),
    () => api.get(`${path}/msg`),
    () => api.get('/api/v1/health'),
  ];
  return asked.map(async (ask) => {
    const from = performance.now();
    const { status, headers } = await ask();
    return { status, retryAfter: headers.get('retry-after'), ms: performance.now() - from };
  });
}

/** Asks every 300 ms for some time. */
async function askFor(ms: number, app: string): Promise<Told[]> {
  const told: Promise<Told>[] = [];
  for (const until = performance.now() + ms; performance.now() < until; await delay(300))
    told.push(...askAll(running, app));
  return Promise.all(told);
}

const slowest = (told: readonly Told[]) => Math.round(Math.max(...told.map(({ ms }) => ms)));
const statuses = (told: readonly Told[]) => [...new Set(told.map(({ status }) => status))];
const say = (text: string) => process.stderr.write(`figures: ${text}\n`);

describe('with the store away', () => {
  it('nothing that was accepted is lost, and deliveries go on when it is back', async () => {
    running = await runningStack();
    const { api, sink, stack } = running;
    const { app } = await api.target(sink.url);
    const post = () =>
      api.post<{ id: string }>(`/api/v1/app/${app}/msg`, { eventType: 'load.test', payload: { n: 1 } });
    const accepted: string[] = [];
    const refused: number[] = [];
    const note = ({ status, body }: { status: number; body: { id: string } }) =>
      status === 202 ? accepted.push(body.id) : refused.push(status);
    for (let n = 0; n < 50; n++) note(await post());
    const posts = Array.from({ length: 50 }, () => post().then(note));
    await stack.kill('mongodb');
    await stack.restart('mongodb');
    await Promise.all(posts);
    note(await post());
    await sink.untilArrived(accepted, 30_000);
    expect(new Set(refused)).toEqual(refused.length === 0 ? new Set() : new Set([503]));
  });

  it('a request is told so after two seconds, and one that comes a second before the store is back is served', async () => {
    running = await runningStack({}, { autoRestart: false });
    const { api, sink, stack } = running;
    const { app } = await api.target(sink.url);
    const before = await Promise.all(askAll(running, app));
    expect(before.every(({ status }) => status < 300)).toBe(true);

    const inFlight = askFor(600, app);
    await delay(300);
    await stack.kill('mongodb');
    const told = [...(await askFor(5_000, app)), ...(await inFlight).filter(({ status }) => status >= 300)];
    say(`store away: ${told.length} answers 503, slowest ${slowest(told)} ms`);
    expect(statuses(told)).toEqual([503]);
    expect(told.every(({ retryAfter }) => retryAfter === '1')).toBe(true);
    expect(slowest(told)).toBeLessThan(AWAY_ANSWER_MS);

    const asked: { atMs: number; told: Promise<Told[]> }[] = [];
    let backMs = Number.POSITIVE_INFINITY;
    const restarted = stack.restart('mongodb').then(() => (backMs = performance.now()));
    while (backMs === Number.POSITIVE_INFINITY) {
      asked.push({ atMs: performance.now(), told: Promise.all(askAll(running, app)) });
      await delay(100);
    }
    await restarted;
    // However long the start takes here: who came in its last second had another one to wait.
    const late = asked.filter(({ atMs }) => atMs > backMs - 1_000);
    const waiting = (await Promise.all(late.map(({ told: answers }) => answers))).flat();
    await Promise.all(asked.map(({ told: answers }) => answers));
    say(`store on its way back: ${waiting.length} answers, slowest ${slowest(waiting)} ms`);
    expect(waiting.length).toBeGreaterThan(0);
    expect(statuses(waiting).filter((status) => status >= 300)).toEqual([]);
  });

  it('a store that hangs is found out, too', async () => {
    running = await runningStack({}, { autoRestart: false });
    const { api, sink, stack } = running;
    const { app } = await api.target(sink.url);
    const mongodb = stack.pids()['mongodb']!;
    process.kill(mongodb, 'SIGSTOP');
    const told = await askFor(3_000, app).finally(() => process.kill(mongodb, 'SIGCONT'));
    say(`store hangs: ${told.length} answers, slowest ${slowest(told)} ms`);
    expect(statuses(told)).toEqual([503]);
    expect(slowest(told)).toBeLessThan(HANGING_ANSWER_MS);
    await until(
      () => askAll(running, app)[0]!,
      ({ status }) => status === 202,
      20_000,
    );
  });
});
