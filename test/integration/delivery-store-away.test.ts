import { jest } from '@jest/globals';
import { runningStack } from '../support/running-stack.js';
import type { RunningStack } from '../support/running-stack.js';

jest.setTimeout(120_000);

let running: RunningStack;

afterEach(() => running.end());

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
});
