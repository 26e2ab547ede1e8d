import type { AttemptErrorCode, TriedState } from '../../../contracts/webhooks/delivery.js';
import type { AnswerClass } from '../../../contracts/webhooks/statistics.js';
import { bucketOfMs } from './latency-histogram.js';

/** What of an attempt is counted. All of it is stored with the attempt, so counting again gives the same. */
export interface CountedAttempt {
  /** 1 for the first try of its delivery. */
  n: number;
  type: string;
  code: number;
  errorCode: AttemptErrorCode | null;
  outcome: TriedState;
  durationMs: number;
  sinceAcceptMs: number;
  bytes: number;
  /** Its result came after somebody else's: it was a try, and decided nothing. */
  late?: true;
}

/** Counters by their path in a bucket's document. */
export type Counts = Map<string, number>;

/** Counts an attempt for its endpoint. */
export function countForEndpoint(counts: Counts, attempt: CountedAttempt): void {
  add(counts, 'n', 1);
  add(counts, 'bytes', attempt.bytes);
  add(counts, `c.${answerClass(attempt)}`, 1);
  add(counts, `t.${bucketOfMs(attempt.durationMs)}`, 1);
  if (attempt.n > 1) add(counts, 'retries', 1);
  if (attempt.late === true || attempt.outcome === 'retrying') return;
  add(counts, attempt.outcome, 1);
  if (attempt.outcome !== 'delivered') return;
  add(counts, `l.${bucketOfMs(attempt.sinceAcceptMs)}`, 1);
  if (attempt.n === 1) add(counts, 'first', 1);
}

/** Counts an attempt for its application, by event type. */
export function countForApplication(counts: Counts, attempt: CountedAttempt): void {
  add(counts, 'n', 1);
  const outcome =
    attempt.outcome === 'delivered' || attempt.outcome === 'canceled' ? attempt.outcome : 'failed';
  add(counts, `y.${typeKey(attempt.type)}.${outcome}`, 1);
}

export function add(counts: Counts, path: string, by: number): void {
  counts.set(path, (counts.get(path) ?? 0) + by);
}

// Event types have dots, which would be steps of a path, and never a slash.
const typeKey = (type: string): string => type.replaceAll('.', '/');
export const typeOfKey = (key: string): string => key.replaceAll('/', '.');

const CLASS_OF_ERROR: Partial<Record<AttemptErrorCode, AnswerClass>> = {
  timeout: 'timeout',
  dns_error: 'dns',
  tls_error: 'tls',
  connection_refused: 'connect',
  connection_reset: 'connect',
  forbidden_address: 'forbidden',
};
const CLASS_OF_CODE: Record<number, AnswerClass> = { 2: '2xx', 3: '3xx', 4: '4xx', 5: '5xx' };

function answerClass({ code, errorCode }: CountedAttempt): AnswerClass {
  const ofError = errorCode === null ? undefined : CLASS_OF_ERROR[errorCode];
  return ofError ?? CLASS_OF_CODE[Math.floor(code / 100)] ?? 'other';
}
