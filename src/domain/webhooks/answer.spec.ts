import { judgeAnswer } from './answer.js';
import type { TryResult } from './answer.js';

const nowMs = Date.parse('2026-11-08T08:00:00Z');
const context = { tries: 1, nowMs, random: 0 };
const answer = (code: number, more: Partial<TryResult> = {}): TryResult => ({
  code,
  errorCode: null,
  retryAfter: null,
  directive: null,
  ...more,
});
const inSec = (sec: number) => new Date(nowMs + sec * 1000);

describe('answer table', () => {
  it.each([200, 201, 204, 299])('takes %d as delivered', (code) => {
    expect(judgeAnswer(answer(code), context)).toEqual({
      state: 'delivered',
      errorCode: null,
      reason: null,
      nextAt: null,
      disableEndpoint: null,
      slowUntil: null,
      isTry: true,
    });
  });

  it('gives a transformation that fails three more tries, whatever the schedule allows', () => {
    const failed = answer(0, { errorCode: 'transform_error' });
    expect(judgeAnswer(failed, { ...context, tries: 3 })).toMatchObject({ state: 'retrying', isTry: true });
    expect(judgeAnswer(failed, { ...context, tries: 4 })).toMatchObject({
      state: 'exhausted',
      reason: 'transform_error',
    });
  });

  it('takes no try away for a fault of our own proxy, however often it fails', () => {
    const failed = answer(0, { errorCode: 'proxy_error' });
    expect(judgeAnswer(failed, { ...context, tries: 8 })).toMatchObject({
      ...{ state: 'retrying', reason: 'proxy_error', isTry: false, nextAt: inSec(30) },
    });
  });

  it('disables the endpoint after a success that asks for it', () => {
    expect(judgeAnswer(answer(200, { directive: 'disable' }), context)).toMatchObject({
      state: 'delivered',
      disableEndpoint: 'receiver_disabled',
    });
  });

  it.each([301, 302, 304, 307, 308])('takes %d as a failed try, not followed', (code) => {
    expect(judgeAnswer(answer(code), context)).toMatchObject({
      state: 'retrying',
      errorCode: 'redirect',
      reason: 'redirect',
      nextAt: inSec(5),
    });
  });

  it('takes 410 as the end of the delivery and of the endpoint', () => {
    expect(judgeAnswer(answer(410), context)).toMatchObject({
      state: 'canceled',
      reason: 'gone',
      nextAt: null,
      disableEndpoint: 'gone',
    });
  });

  it.each([429, 502, 503, 504])('slows the endpoint down for a minute after %d', (code) => {
    expect(judgeAnswer(answer(code), context)).toMatchObject({
      state: 'retrying',
      reason: `http_${code}`,
      nextAt: inSec(5),
      slowUntil: inSec(60),
    });
  });

  it('slows the endpoint down and waits for as long as Retry-After says', () => {
    expect(judgeAnswer(answer(503, { retryAfter: '600' }), context)).toMatchObject({
      nextAt: inSec(600),
      slowUntil: inSec(600),
    });
  });

  it.each([400, 401, 403, 404, 422, 500, 501, 599])(
    'retries %d, honours Retry-After, slows nothing',
    (code) => {
      expect(judgeAnswer(answer(code, { retryAfter: '30' }), context)).toMatchObject({
        state: 'retrying',
        reason: `http_${code}`,
        nextAt: inSec(30),
        slowUntil: null,
        disableEndpoint: null,
      });
    },
  );

  it('stops the delivery when a failing receiver says abort-message', () => {
    expect(judgeAnswer(answer(422, { directive: 'abort-message' }), context)).toMatchObject({
      state: 'canceled',
      reason: 'receiver_aborted',
      disableEndpoint: null,
      nextAt: null,
    });
    expect(judgeAnswer(answer(200, { directive: 'abort-message' }), context).state).toBe('delivered');
  });

  it.each(['timeout', 'dns_error', 'tls_error', 'connection_refused', 'forbidden_address'] as const)(
    'retries %s',
    (errorCode) => {
      expect(judgeAnswer(answer(0, { errorCode }), context)).toMatchObject({
        state: 'retrying',
        errorCode,
        reason: errorCode,
        nextAt: inSec(5),
      });
    },
  );

  it('counts an answer that could not be read in time as failed, whatever its status', () => {
    expect(judgeAnswer(answer(200, { errorCode: 'timeout' }), context).state).toBe('retrying');
    expect(judgeAnswer(answer(410, { errorCode: 'timeout' }), context).disableEndpoint).toBeNull();
  });

  it('gives up after the last try of the schedule', () => {
    expect(judgeAnswer(answer(500), { ...context, tries: 8 })).toMatchObject({
      state: 'exhausted',
      reason: 'http_500',
      nextAt: null,
    });
  });

  it('adds jitter to the wait', () => {
    expect(judgeAnswer(answer(500), { ...context, random: 0.5 }).nextAt).toEqual(inSec(5.5));
  });
});
