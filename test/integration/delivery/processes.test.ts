import { jest } from '@jest/globals';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

jest.setTimeout(120_000);

let running: RunningStack;

afterEach(() => running.end());

/** Posts messages until told to stop; gives the ids that were accepted. */
function underLoad({ api }: RunningStack, app: string, perSecond: number): () => Promise<string[]> {
  const posts: Promise<string>[] = [];
  const timer = setInterval(() => {
    posts.push(
      api
        .post<{ id: string }>(`/api/v1/app/${app}/msg`, {
          eventType: 'load.test',
          payload: { n: posts.length },
        })
        .then(({ body }) => body.id),
    );
  }, 1000 / perSecond);
  return () => {
    clearInterval(timer);
    return Promise.all(posts);
  };
}

const arrived = (count: number) =>
  running.sink.until(() => running.sink.arrivals.length >= count, 30_000, `${count} arrivals`);

describe('a worker process', () => {
  it('drains on SIGTERM: under load nothing is lost and nothing is sent twice', async () => {
    running = await runningStack();
    const { sink, stack, api } = running;
    sink.answer = (_, response) => void setTimeout(() => response.writeHead(204).end(), 20);
    const { app } = await api.target(sink.url);
    const stopLoad = underLoad(running, app, 100);
    await arrived(100);
    await stack.kill('worker', 'SIGTERM');
    await stack.restart('worker');
    const ids = await stopLoad();
    await sink.untilArrived(ids, 30_000);
    expect([...sink.counts.values()].filter((count) => count > 1)).toEqual([]);
    expect(sink.counts.size).toBe(ids.length);
  });

  it('that was killed is replaced within seconds: its lanes need no timeout on the same host', async () => {
    running = await runningStack();
    const { sink, stack, api } = running;
    const { app } = await api.target(sink.url);
    const stopLoad = underLoad(running, app, 50);
    await arrived(50);
    await stack.kill('worker', 'SIGKILL');
    await stack.restart('worker');
    const restarted = Date.now();
    const ids = await stopLoad();
    await sink.untilArrived(ids, 30_000);
    expect(Date.now() - restarted).toBeLessThan(9000);
  });

  it('makes first tries while Temporal is away, also when it was started without it', async () => {
    running = await runningStack();
    const { sink, stack, api } = running;
    const { app } = await api.target(sink.url);
    await stack.kill('temporal');
    const send = async (count: number) => {
      const stop = underLoad(running, app, 50);
      await arrived(sink.arrivals.length + count);
      await sink.untilArrived(await stop(), 30_000);
    };
    await send(25);
    await stack.kill('worker');
    void stack.restart('worker').catch(() => undefined);
    await send(25);
    await stack.restart('temporal');
    await send(25);
  });
});
