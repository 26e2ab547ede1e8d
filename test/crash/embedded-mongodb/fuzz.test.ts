import { once } from 'node:events';
import type { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import { open } from '../../integration/embedded-mongodb/raw-connection.js';
import { fuzz, memoryTrend } from './fuzz-run.js';

const MINUTE_MS = 60_000;

test(
  '20,000 spoiled messages: the server survives, reacts to each, stays right, and its memory stays flat',
  async () => {
    const report = await fuzz({ frames: 20_000, seed: 20_261_121, framesPerLap: 1_000, hangMs: 20_000 });
    const { warm, end, flat } = memoryTrend(report);
    const { codes: _codes, liveMiB: _liveMiB, ...figures } = report;
    const shown = JSON.stringify({ ...figures, warmMiB: warm, endMiB: end });
    process.stderr.write(`figures: embedded MongoDB, fuzz: ${shown}\n`);
    expect(report.problems).toEqual([]);
    expect(report.frames).toBe(20_000);
    expect(report.recorded).toBeGreaterThan(80);
    expect(flat).toBe(true);
    // All kinds of reactions, or the messages were not what they should be.
    for (const what of ['answered', 'error', 'closed', 'silent'])
      expect(report.reactions[what]).toBeGreaterThan(100);
  },
  5 * MINUTE_MS,
);

test(
  'negative control: a server that dies, one that does not answer and one that hoards memory are noticed',
  async () => {
    const plan = { frames: 3_000, seed: 3, framesPerLap: 250, hangMs: 3_000 };
    const died = await fuzz({ ...plan, disturb: (server) => server.kill() });
    expect(died.problems.join()).toMatch(/ended early|closed/);
    const silent = await fuzz({ ...plan, disturb: stopForAWhile });
    expect(silent.problems.join()).toContain('no reaction');
    const hoarding = await fuzz({ ...plan, disturb: hoard });
    expect(memoryTrend(hoarding).flat).toBe(false);
  },
  3 * MINUTE_MS,
);

/** Longer than a hang takes to be noticed. */
async function stopForAWhile(server: EmbeddedProcess): Promise<void> {
  process.kill(server.pid, 'SIGSTOP');
  setTimeout(() => process.kill(server.pid, 'SIGCONT'), 5_000);
}

const CLAIMED_BYTES = 40_000_000;

/** Messages that never end: the server has to keep what came of them. */
async function hoard(server: EmbeddedProcess): Promise<void> {
  for (let n = 0; n < 12; n += 1) {
    const socket = await open(server.port);
    const part = Buffer.alloc(20_000_000);
    part.writeInt32LE(CLAIMED_BYTES, 0);
    if (!socket.write(part)) await once(socket, 'drain');
  }
}
