import type { AttemptErrorCode, TriedState } from '../../contracts/webhooks/delivery.js';
import { nextWaitMs } from './retry-schedule.js';
import { retryAfterMs } from './retry-after.js';

/** What came back from one HTTP try. */
export interface TryResult {
  /** HTTP status, 0 when there was no answer. */
  code: number;
  /** Set when there was no usable answer. */
  errorCode: AttemptErrorCode | null;
  retryAfter: string | null;
  /** The `webhook-delivery` answer header: `disable` or `abort-message`. */
  directive: string | null;
}

export interface AnswerContext {
  /** Tries of this schedule made so far, this one included. */
  tries: number;
  nowMs: number;
  /** From [0, 1), for jitter. */
  random: number;
  scheduleSec?: readonly number[];
}

/** What a try decides about its delivery and its endpoint. */
export interface Judgement {
  state: TriedState;
  errorCode: AttemptErrorCode | null;
  /** Why the delivery ended or waits; null when it was taken. */
  reason: string | null;
  /** When the next try is due; set exactly when the state is `retrying`. */
  nextAt: Date | null;
  /** Why the endpoint must be disabled; null when it stays as it is. */
  disableEndpoint: 'gone' | 'receiver_disabled' | null;
  /** Until when the whole endpoint is to be sent to more slowly. */
  slowUntil: Date | null;
  /** False when it uses up none of the delivery's tries. */
  isTry: boolean;
}

/** A payload is transformed by our own rules each time: trying more often helps only if somebody changes them. */
const MAX_TRANSFORM_TRIES = 4;
/** Faults on our side of the way: they use up no try. */
const OURS = new Set<AttemptErrorCode | null>(['proxy_error']);
const OUR_WAIT_MS = 30_000;
const SLOW_DOWN = new Set([429, 502, 503, 504]);
const SLOW_MS = 60_000;

/** Whether the receiver took it. */
export const isTaken = ({ code, errorCode }: Pick<TryResult, 'code' | 'errorCode'>): boolean =>
  errorCode === null && code >= 200 && code < 300;

/** Whether a failed try says nothing about its receiver, which it never reached. */
export const isNotReceivers = (errorCode: AttemptErrorCode | null): boolean =>
  errorCode === 'transform_error' || OURS.has(errorCode);

/** The answer table: what the result of a try means. Every failure but 410 is retried on the schedule. */
export function judgeAnswer(result: TryResult, context: AnswerContext): Judgement {
  const { code, errorCode } = result;
  if (isTaken(result)) {
    const disableEndpoint = result.directive === 'disable' ? 'receiver_disabled' : null;
    return { ...ENDED, state: 'delivered', disableEndpoint };
  }
  if (errorCode === null && code === 410) {
    return { ...ENDED, state: 'canceled', reason: 'gone', disableEndpoint: 'gone' };
  }
  return failed(result, context);
}

const ENDED: Judgement = {
  state: 'delivered',
  errorCode: null,
  reason: null,
  nextAt: null,
  disableEndpoint: null,
  slowUntil: null,
  isTry: true,
};

function failed(result: TryResult, { tries, nowMs, random, scheduleSec }: AnswerContext): Judgement {
  const { code } = result;
  const errorCode = result.errorCode ?? (code >= 300 && code < 400 ? 'redirect' : null);
  const reason = errorCode ?? `http_${code}`;
  const asked = retryAfterMs(result.retryAfter, nowMs) ?? 0;
  const slows = result.errorCode === null && SLOW_DOWN.has(code);
  const slowUntil = slows ? new Date(nowMs + Math.max(SLOW_MS, asked)) : null;
  if (result.errorCode === null && result.directive === 'abort-message') {
    return { ...ENDED, state: 'canceled', errorCode, reason: 'receiver_aborted', slowUntil };
  }
  if (OURS.has(errorCode)) {
    const nextAt = new Date(nowMs + OUR_WAIT_MS * (1 + random));
    return { ...ENDED, state: 'retrying', errorCode, reason, nextAt, isTry: false };
  }
  const isLast = errorCode === 'transform_error' && tries >= MAX_TRANSFORM_TRIES;
  const waitMs = isLast ? null : nextWaitMs(tries, random, asked, scheduleSec);
  if (waitMs === null) return { ...ENDED, state: 'exhausted', errorCode, reason, slowUntil };
  return { ...ENDED, state: 'retrying', errorCode, reason, nextAt: new Date(nowMs + waitMs), slowUntil };
}
