import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { batchBody, batchItem } from '../../../src/domain/webhooks/batch-body.js';
import { hmacSecret, parseSigningKey, signature } from '../../../src/domain/webhooks/signature.js';
import { runningStack } from '../../support/running-stack.js';

interface Sample {
  language: string;
  file: string;
  code: string;
}

const guide = readFileSync('docs/webhooks.md', 'utf8');
const samples = [...guide.matchAll(/^```(\w+) (receiver\.\w+)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', file = '', code = '']): Sample => ({ language, file, code }),
);
const commands = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
const secret = hmacSecret(Buffer.alloc(24, 3));

/** The receiver of batches is the Node receiver with another server. */
function batchReceiver(): string {
  const [, server = ''] = /^```js batch\.mjs\n([\s\S]*?)^```$/m.exec(guide) ?? [];
  const node = samples.find(({ language }) => language === 'js')!.code;
  return node.slice(0, node.indexOf('const server')) + server;
}

/** How a sample becomes a program; null where the machine has not the language. */
function programOf({ language, file }: Sample, folder: string): string[] | null {
  const path = join(folder, file);
  try {
    if (language === 'js') return [process.execPath, path];
    if (language === 'python') {
      execFileSync('python3', ['-c', 'import sys; assert sys.version_info >= (3, 9)'], { stdio: 'ignore' });
      return ['python3', path];
    }
    execFileSync('go', ['build', '-o', `${path}.bin`, path], { stdio: ['ignore', 'ignore', 'pipe'] });
    return [`${path}.bin`];
  } catch (error) {
    if (
      (error as NodeJS.ErrnoException).code === 'ENOENT' ||
      (language === 'python' && 'status' in (error as object))
    )
      return null;
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The answer to a webhook that was signed so and posted with that body; waits until the receiver listens. */
async function answer(port: number, signed: string, body = signed, atSec = Math.floor(Date.now() / 1000)) {
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(atSec),
    'webhook-signature': `v1,AAAA ${signature([parseSigningKey(secret)], 'msg_1', atSec, Buffer.from(signed))}`,
  };
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      return (await fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', headers, body })).status;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('the integration guide', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-guide-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has a receiver in Node, Python and Go', () => {
    expect(samples.map(({ language }) => language)).toEqual(['js', 'python', 'go']);
  });

  for (const sample of samples) {
    it(`its ${sample.language} receiver takes what is genuine and refuses what was changed or is old`, async () => {
      writeFileSync(join(folder, sample.file), sample.code);
      const program = programOf(sample, folder);
      if (program === null) return console.warn(`skipped: ${sample.language} is not on this machine`);
      const port = await freePort();
      const env = { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) };
      const receiver: ChildProcess = spawn(program[0]!, program.slice(1), { env, stdio: 'ignore' });
      try {
        expect(await answer(port, '{"n":1.50,"name":"Jürgen"}')).toBe(204);
        expect(await answer(port, '{"n":1.50}', '{"n":1.5}')).toBe(401);
        expect(await answer(port, '{}', '{}', Math.floor(Date.now() / 1000) - 400)).toBe(401);
        expect(await answer(port, '{}', '{}', Math.floor(Date.now() / 1000) + 400)).toBe(401);
      } finally {
        receiver.kill();
      }
    }, 420_000); // the first build of a Go program compiles its standard library
  }

  it('its receiver of batches works through each item once and refuses what was changed', async () => {
    const path = join(folder, 'batch.mjs');
    writeFileSync(path, batchReceiver());
    const port = await freePort();
    const env = { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) };
    const receiver = spawn(process.execPath, [path], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    receiver.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const closed = once(receiver, 'close');
    const bodyOf = (ids: string[]) =>
      batchBody(
        ids.map((id) => batchItem({ id, type: 'a.b', at: new Date(0) }, Buffer.from('{"n":1}'))),
      ).toString();
    try {
      expect(await answer(port, bodyOf(['msg_1', 'msg_2']))).toBe(204);
      expect(await answer(port, bodyOf(['msg_3']), bodyOf(['msg_4']))).toBe(401);
      expect(await answer(port, bodyOf(['msg_2', 'msg_3']))).toBe(204);
      expect(await answer(port, bodyOf(['msg_1']))).toBe(204);
    } finally {
      receiver.kill();
    }
    await closed;
    const lines = printed.trim().split('\n');
    expect(lines).toEqual(['msg_1', 'msg_2', 'msg_3'].map((id) => `${id} a.b {"n":1}`));
  }, 60_000);

  it('its commands work, one after the other', async () => {
    const running = await runningStack();
    try {
      const { apiUrl, apiKey } = running.stack;
      const env = { ...process.env, HOLDFAST_API_URL: apiUrl, HOLDFAST_API_KEY: apiKey };
      const script = ['set -eu', ...commands].join('\n');
      const { stdout } = await promisify(execFile)('bash', ['-c', script], { env });
      expect(stdout).toContain('"uid":"pager"');
      expect(stdout).toContain('"attemptDays":14');
    } finally {
      await running.end();
    }
  }, 180_000);

  it('its verifier is a part of the package', () => {
    const run = "import('holdfast/verify').then((part) => console.log(typeof part.verify))";
    expect(execFileSync(process.execPath, ['-e', run], { encoding: 'utf8' }).trim()).toBe('function');
  });
});
