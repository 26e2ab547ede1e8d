import { ERRORS } from '../../../src/platform/errors.js';
import type { ErrorCode } from '../../../src/platform/errors.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { ErrorScene } from './error-scene.js';
import { ERROR_TABLE } from './error-table.js';

let running: RunningStack;
let scene: ErrorScene;
beforeAll(async () => {
  running = await runningStack({ WEBHOOK_ALLOW_CIDRS: '127.0.0.1/32' });
  scene = await ErrorScene.create(running.api, `${running.sink.url}/hook`);
}, 120_000);
afterAll(() => running?.end(), 60_000);

/** What a stack trace, a path of this machine or an inner address would look like. */
const INSIDES = /\n\s+at |node_modules|\/src\/|\/dist\/|mongodb:\/\/|E11000/;

describe.each(Object.entries(ERROR_TABLE))('%s', (_, rows) => {
  it.each(rows.map((row) => [row.bad, row.code, row] as const))('with %s: %s', async (_bad, code, row) => {
    const answer = await row.send(scene);
    const { body } = answer;
    expect([answer.status, body.code]).toEqual([ERRORS[code].status, code]);
    expect(body).toMatchObject({
      type: `/problems/${code}`,
      title: ERRORS[code].title,
      status: answer.status,
    });
    expect(body.requestId).not.toBe('');
    expect(body.instance.startsWith('/')).toBe(true);
    const text = JSON.stringify(body);
    expect(text).not.toMatch(INSIDES);
    const type = answer.headers.get('content-type');
    if (typeof body.detail === 'string') expect(type).toMatch(/^application\/problem\+json/);
    else
      expect(body.detail).toEqual(body.errors!.map(({ loc, msg, type: kind }) => ({ loc, msg, type: kind })));
    if (row.pointer !== undefined) expect(body.errors!.map(({ pointer }) => pointer)).toContain(row.pointer);
    if (row.query !== undefined)
      expect(body.errors!.map(({ loc }) => loc.slice(0, 2))).toContainEqual(['query', row.query]);
    if (row.header !== undefined) expect(answer.headers.get(row.header)).toBeTruthy();
    if (row.says !== undefined) expect(text).toMatch(row.says);
    if (row.names !== undefined) expect(body[row.names]).toMatch(/^(msg|qtask)_[0-9A-Za-z]{27}$/);
  });
});

it('the table has a row for every code that a request alone can bring about', () => {
  const shownElsewhere: Partial<Record<ErrorCode, string>> = {
    bad_request: 'what is not HTTP: the fuzzed API',
    idempotency_in_progress: 'a request that runs: idempotency',
    internal: 'none is known',
    legal_hold: 'retention of an application',
    not_implemented: 'bad input',
    not_tried: 'an endpoint that is down: a test attempt',
    task_ended: 'a recovery',
    unavailable: 'a server away: the crash ring',
  };
  const shown = new Set<string>(Object.values(ERROR_TABLE).flatMap((rows) => rows.map(({ code }) => code)));
  const missing = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => !shown.has(code));
  expect(missing.toSorted()).toEqual(Object.keys(shownElsewhere).toSorted());
});
