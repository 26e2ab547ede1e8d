import { isSensitiveHeader } from '../../contracts/webhooks/request-header.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { AnswerHeaders } from './transport/response-reader.js';

export type ShownHeaders = Pick<AttemptRow, 'headers' | 'sensitive'>;

/** The endpoint's own headers as attempts keep them: secret ones by name only, nothing where there is nothing. */
export function shownHeaders(headers: Record<string, string>): ShownHeaders {
  const names = Object.keys(headers);
  const sensitive = names.filter(isSensitiveHeader);
  const open = Object.entries(headers).filter(([name]) => !isSensitiveHeader(name));
  return {
    ...(open.length === 0 ? {} : { headers: Object.fromEntries(open) }),
    ...(sensitive.length === 0 ? {} : { sensitive }),
  };
}

/** Headers of the answer as attempts keep them; a receiver's secrets (`set-cookie`) are masked. */
export function answerHeaders(headers: AnswerHeaders): Pick<AttemptRow, 'answerHeaders'> {
  const pairs: [string, string][] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    const hidden = name === 'set-cookie' || isSensitiveHeader(name);
    if (typeof value === 'string') pairs.push([name, hidden ? MASK : value]);
    else for (const one of value) pairs.push([name, hidden ? MASK : one]);
  }
  return pairs.length === 0 ? {} : { answerHeaders: pairs };
}

const MASK = '***';
