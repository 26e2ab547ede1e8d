const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

let threshold = LEVELS.indexOf('info');

export function isLogLevel(text: string): text is LogLevel {
  return (LEVELS as readonly string[]).includes(text);
}

/** Drops lines below this level. */
export function setLogLevel(level: LogLevel): void {
  threshold = LEVELS.indexOf(level);
}

/** Writes one JSON line to stderr. */
export function log(level: LogLevel, message: string, details: Record<string, unknown> = {}): void {
  if (LEVELS.indexOf(level) < threshold) return;
  const line = { time: new Date().toISOString(), level, component: 'embedded-mongodb', message, ...details };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
