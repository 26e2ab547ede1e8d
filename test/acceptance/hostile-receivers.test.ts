import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { jest } from '@jest/globals';
import { freeLoopbackPort } from '../../src/workers/free-port.js';
import { runningStack } from '../support/running-stack.js';
import type { RunningStack } from '../support/running-stack.js';

jest.setTimeout(600_000);

const GIB = 1024 ** 3;
/** What may be held more than after the first round, and what the process may have grown by, in MiB. */
const BOUND = { held: 32, resident: 256 };
const ROUNDS = 3;
const ROUND_MS = 180_000;
const MESSAGES = 40;
const CHUNK = Buffer.alloc(64 * 1024, 'x');

let running: RunningStack;
let metrics: string;
const closing: (() => void)[] = [];
beforeAll(async () => {
  const port = await freeLoopbackPort();
  metrics = `http://127.0.0.1:${port}/metrics`;
  running = await runningStack({ WORKER_HINT_PORT: String(port) });
}, 120_000);
afterAll(async () => {
  for (const close of closing) close();
  await running?.end();
}, 60_000);

interface Receiver {
  url: string;
  /** Requests it got. */
  requests: number;
  /** Bytes it could get rid of. */
  written: number;
}

/** A receiver that answers as it likes, below HTTP. */
async function receiver(
  answer: (send: (bytes: Buffer) => boolean, socket: Socket) => void,
): Promise<Receiver> {
  const made: Receiver = { url: '', requests: 0, written: 0 };
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // the worker hangs up when it has had enough
    socket.once('data', () => {
      made.requests += 1;
      answer((bytes) => {
        made.written += bytes.length;
        return socket.write(bytes);
      }, socket);
    });
    closing.push(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await once(server, 'listening');
  made.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return made;
}

/** Writes as long as somebody reads. */
function pour(bytes: Buffer, send: (bytes: Buffer) => boolean, socket: Socket): void {
  const more = () => {
    while (!socket.destroyed && send(bytes));
  };
  socket.on('drain', more);
  more();
}

const drip = (text: string, send: (bytes: Buffer) => boolean, socket: Socket) => {
  const timer = setInterval(() => send(Buffer.from(text)), 50);
  socket.on('close', () => clearInterval(timer));
};

/** Memory of the worker process in MiB: what its heap holds, buffers included, and all it has of the machine. */
async function workerMemory(): Promise<{ held: number; resident: number }> {
  const text = await (await fetch(metrics)).text();
  const mib = (name: string) =>
    Number(new RegExp(`^holdfast_${name} (\\S+)$`, 'm').exec(text)![1]) / 1024 ** 2;
  return {
    held: mib('nodejs_heap_size_used_bytes') + mib('nodejs_external_memory_bytes'),
    resident: mib('process_resident_memory_bytes'),
  };
}

/** An endpoint without a breaker, so that every message is tried; a try may take a second. */
async function endpoint(app: string, url: string): Promise<void> {
  const { api } = running;
  const made = await api.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, { url });
  const policy = { breaker: 'off', timeoutMs: 1000, retrySchedule: [3600] };
  const path = `/api/v1/app/${app}/endpoint/${made.body.id}/policy`;
  expect((await api.call('PUT', path, { body: policy })).status).toBe(200);
}

const send = async (app: string) => {
  const items = Array.from({ length: MESSAGES }, (_, n) => ({ eventType: 'hostile.test', payload: { n } }));
  expect((await running.api.post(`/api/v1/app/${app}/msg/batch`, { items })).status).toBe(202);
};

describe('a worker', () => {
  it('keeps its memory, and its other receivers, while several answer without end, too much, too slowly or not at all', async () => {
    const head = 'HTTP/1.1 200 OK\r\n';
    const endless = await receiver((write, socket) => {
      write(Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`));
      pour(Buffer.concat([Buffer.from('10000\r\n'), CHUNK, Buffer.from('\r\n')]), write, socket);
    });
    const huge = await receiver((write, socket) => {
      write(Buffer.from(`${head}content-length: ${GIB}\r\n\r\n`));
      pour(CHUNK, write, socket);
    });
    const headers = await receiver((write, socket) => {
      write(Buffer.from(head));
      pour(Buffer.from('x-more: 0123456789abcdef\r\n'.repeat(1000)), write, socket);
    });
    const slow = await receiver((write, socket) => {
      write(Buffer.from(`${head}content-length: 1000\r\n\r\n`));
      drip('x', write, socket);
    });
    const hung = await receiver(() => undefined);
    const quick = [endless, huge, headers];

    const { app } = await running.api.target(`${running.sink.url}/healthy`);
    for (const { url } of [...quick, slow, hung]) await endpoint(app, url);
    /** A message for each of them, until all have been tried, the slow ones some times. */
    const round = async (n: number) => {
      await send(app);
      await running.sink.until(
        () => running.sink.arrivals.length === n * MESSAGES,
        ROUND_MS,
        'the healthy one',
      );
      const deadline = Date.now() + ROUND_MS;
      while (
        quick.some(({ requests }) => requests < n * MESSAGES) ||
        Math.min(slow.requests, hung.requests) < n * 5
      ) {
        expect(Date.now()).toBeLessThan(deadline);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    // The least of a round is what is left when the heap has just been collected.
    const least: number[] = [];
    let resident = 0;
    const before = await workerMemory();
    for (let n = 1; n <= ROUNDS; n++) {
      let over = false;
      const done = round(n).finally(() => (over = true));
      let held = Number.POSITIVE_INFINITY;
      while (!over) {
        const now = await workerMemory();
        held = Math.min(held, now.held);
        resident = Math.max(resident, now.resident);
        await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 250))]);
      }
      await done;
      least.push(Math.round(held));
    }
    const mib = (bytes: number) => Math.round(bytes / 1024 ** 2);
    const poured = mib(quick.reduce((sum, { written }) => sum + written, 0));
    process.stderr.write(
      `figures: worker holds at least ${least.join(', ')} MiB in ${ROUNDS} rounds; resident ${Math.round(before.resident)} ` +
        `MiB before, ${Math.round(resident)} at most; ` +
        `${quick.map(({ requests }) => requests).join('+')} answers without end wrote ${poured} MiB, ` +
        `${slow.requests} slow, ${hung.requests} hung\n`,
    );
    expect(least.at(-1)! - least[0]!).toBeLessThan(BOUND.held);
    expect(resident - before.resident).toBeLessThan(BOUND.resident);
    // Each was cut off early: of answers of a GiB and more, what fits into the buffers on the way was written.
    expect(poured).toBeLessThan(quick.length * ROUNDS * MESSAGES * 8);
  });
});
