import type { StackEvent } from './stack-event.js';

/** Where a start tells what it does: aligned lines for people, one JSON object a line with `--json`. */
export interface Terminal {
  event(event: StackEvent): void;
  /** A line for people; programs get what they need from the events and from `summary`. */
  line(text: string): void;
  /** Values that a program wants; people get them in lines. */
  summary(values: Record<string, unknown>): void;
}

/** Column widths of `name  what  time`. */
const NAME = 14;
const WHAT = 58;

export function plainTerminal(write: (text: string) => void): Terminal {
  const row = (name: string, what: string, ms?: number) =>
    write(`  ${name.padEnd(NAME)}${ms === undefined ? what : `${what.padEnd(WHAT)}${seconds(ms)}`}\n`);
  return {
    event(event) {
      if (event.type === 'note') write(`  ${event.text}\n`);
      if (event.type === 'ready') row(event.service, event.what, event.ms);
      if (event.type === 'crashed')
        row(event.service, `${event.exit}; starting it again in ${seconds(event.waitMs).trim()}`);
      if (event.type === 'stopped')
        row(event.service, event.killed ? 'killed, since it did not stop in time' : 'stopped', event.ms);
    },
    line: (text) => write(`${text}\n`),
    summary: () => undefined,
  };
}

export function jsonTerminal(write: (text: string) => void): Terminal {
  const put = (value: object) => write(`${JSON.stringify({ at: new Date().toISOString(), ...value })}\n`);
  return { event: put, line: () => undefined, summary: (values) => put({ type: 'summary', ...values }) };
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1).padStart(6)} s`;
