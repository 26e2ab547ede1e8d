import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doc } from '../bson/plain.js';
import { BDoc } from '../bson/values.js';
import { CursorStore } from '../cursor/cursor.js';
import { ServerInfo } from '../server-info.js';
import { Engine } from '../storage/engine.js';
import type { Services } from './command.js';
import { dispatch } from './dispatch.js';
import { FailPoints } from './fail-points.js';

let directory: string;
let services: Services;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dispatch-'));
  const engine = new Engine({ directory, oplogMaxBytes: 2 ** 20 });
  const options = { directory, bind: '127.0.0.1', port: 0, setName: 'rs0', oplogMb: 1, testCommands: true };
  const info = new ServerInfo(options, 0);
  services = { engine, cursors: new CursorStore(), info, failPoints: new FailPoints() };
});

afterEach(() => {
  services.engine.close();
  rmSync(directory, { recursive: true });
});

/** The code of the error that a command ends with; undefined if it succeeds. */
async function errorOf(command: object): Promise<unknown> {
  const request = {
    body: doc({ ...command, $db: 't' } as never),
    sequences: new Map(),
  };
  const reply = await dispatch(services, { id: 1, address: '', appName: undefined }, request);
  return reply === 'close' ? reply : reply.get('code');
}

test('a command of a transaction is refused, whatever fail points are set', async () => {
  services.failPoints.configure(
    'failCommand',
    'alwaysOn',
    BDoc.of(['failCommands', ['find']], ['errorCode', 112]),
  );
  expect(await errorOf({ find: 'c' })).toBe(112);
  expect(await errorOf({ find: 'c', startTransaction: true, autocommit: false })).toBe(115);
});

test.each(['$out', '$merge'])('%s does not write what a linearizable read has seen', async (stage) => {
  const pipeline = [{ [stage]: stage === '$out' ? 'd' : { into: 'd' } }];
  const command = { aggregate: 'c', pipeline, cursor: {} };
  expect(await errorOf({ ...command, readConcern: { level: 'linearizable' } })).toBe(72);
  expect(await errorOf({ ...command, readConcern: { level: 'majority' } })).toBeUndefined();
});
