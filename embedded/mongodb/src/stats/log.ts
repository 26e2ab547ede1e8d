export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const ORDER: LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** As many lines as MongoDB's `getLog` keeps. */
const RING_SIZE = 1024;

const ring: string[] = [];
let threshold = ORDER.indexOf('info');

/** Drops lines below this level. */
export function setLogLevel(level: LogLevel): void {
  threshold = ORDER.indexOf(level);
}

/** Writes one JSON line to stderr and keeps it for `getLog`. */
export function log(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
  if (ORDER.indexOf(level) < threshold) return;
  const line = JSON.stringify({
    time: new Date().toISOString(),
    level,
    component: 'embedded-mongodb',
    message,
    ...fields,
  });
  ring.push(line);
  if (ring.length > RING_SIZE) ring.shift();
  process.stderr.write(`${line}\n`);
}

export function recentLog(): string[] {
  return [...ring];
}
