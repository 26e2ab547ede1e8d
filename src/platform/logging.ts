import { pino } from 'pino';
import type { Logger, LoggerOptions } from 'pino';

/** Paths that never reach a log line, in every process. */
const REDACTED = [
  'req.headers.authorization',
  'req.headers.cookie',
  'req.headers["idempotency-key"]',
  '*.secret',
  '*.apiKey',
  '*.enc',
  '*.headersEnc',
  '*.tlsEnc',
  '*.oauthEnc',
  '*.clientSecret',
];

/** One JSON format for api, worker and workflows: level by name, ISO time, `process`. */
export function loggerOptions(processName: string, level: string): LoggerOptions {
  return {
    level,
    base: { process: processName, pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '***' },
  };
}

export const createLogger = (processName: string, level: string): Logger =>
  pino(loggerOptions(processName, level));
