import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startStack } from '../../../embedded/stack/stack.js';
import type { CrashPoint } from '../../../src/platform/crash-point.js';
import { ApiCaller } from '../../support/api-caller.js';
import { ArrivalLog } from './arrival-log.js';

const MESSAGES = 50;
const PATH = '/plain';
const POINT: CrashPoint = 'accepted';
const FOUND_WITHIN_MS = 150_000;
const GIVEN_UP_AFTER_MS = 45_000;

/** The API dies after it answered 202 and before it stored the delivery rows; only the sweeper can find the messages. */
export async function forgottenRows(options: {
  sweeper: 'on' | 'off';
}): Promise<{ accepted: number; lost: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-crash-'));
  const points = mkdtempSync(join(tmpdir(), 'holdfast-crash-points-'));
  const log = await ArrivalLog.start();
  const env = { LOG_LEVEL: 'fatal', WEBHOOK_SWEEPER: options.sweeper, HOLDFAST_CRASH_POINTS: points };
  const start = () => startStack({ dataDir, ports: 'free', autoRestart: false, env });
  try {
    const dying = await start();
    const caller = new ApiCaller(dying.apiUrl, dying.apiKey);
    const { app } = await caller.target(`${log.url}${PATH}`);
    writeFileSync(join(points, POINT), '');
    const send = async (n: number): Promise<string | null> => {
      const body = { eventType: 'crash.test', payload: { n, key: 'k' } };
      const answer = await caller
        .call<{ id: string }>('POST', `/api/v1/app/${app}/msg`, { body })
        .catch(() => null);
      return answer?.status === 202 ? answer.body.id : null;
    };
    const sent = await Promise.all(Array.from({ length: MESSAGES }, (_, n) => send(n)));
    const accepted = sent.filter((id) => id !== null);
    await dying.stop();
    const stack = await start();
    try {
      const wait = options.sweeper === 'on' ? FOUND_WITHIN_MS : GIVEN_UP_AFTER_MS;
      const deadline = Date.now() + wait;
      while (Date.now() < deadline && log.missing(PATH, accepted).length > 0) await delay(250);
      return { accepted: accepted.length, lost: log.missing(PATH, accepted).length };
    } finally {
      await stack.stop();
    }
  } finally {
    log.end();
    for (const folder of [dataDir, points]) rmSync(folder, { recursive: true, force: true });
  }
}
