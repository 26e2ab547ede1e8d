import { parseArgs } from 'node:util';
import { EmbeddedServer } from './server.js';
import type { ServerOptions } from './server-info.js';
import { log, setLogLevel } from './stats/log.js';
import type { LogLevel } from './stats/log.js';

const USAGE = `usage: node cli.js --dir D [--port 0] [--bind 127.0.0.1] [--repl-set-name rs0] [--oplog-mb 256]
  [--test-commands] [--exit-with-parent] [--log-level debug|info|warn|error]`;

interface CliOptions extends ServerOptions {
  logLevel: LogLevel;
  exitWithParent: boolean;
}

await main();

async function main(): Promise<void> {
  let options: CliOptions;
  try {
    options = parseOptions();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
  setLogLevel(options.logLevel);
  try {
    await run(options);
  } catch (error) {
    log('error', 'cannot start', { error: (error as Error).message });
    process.exit(1);
  }
}

async function run(options: CliOptions): Promise<void> {
  const server = await EmbeddedServer.start(options);
  const { port, uri } = server.info;
  process.stdout.write(`${JSON.stringify({ ready: true, port, pid: process.pid, uri })}\n`);
  log('info', 'ready', { port, directory: options.directory });

  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    log('info', 'stopping', { reason });
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log('error', 'stopping failed', { error: String(error) });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  if (options.exitWithParent) {
    // A parent that ends, however it ends, closes the pipe.
    process.stdin.on('end', () => stop('parent ended')).on('error', () => stop('parent ended'));
    process.stdin.resume();
  }
}

function parseOptions(): CliOptions {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      port: { type: 'string', default: '0' },
      bind: { type: 'string', default: '127.0.0.1' },
      'repl-set-name': { type: 'string', default: 'rs0' },
      'oplog-mb': { type: 'string', default: '256' },
      'test-commands': { type: 'boolean', default: false },
      'exit-with-parent': { type: 'boolean', default: false },
      'log-level': { type: 'string', default: 'info' },
    },
  });
  if (!values.dir) throw new Error('--dir is required: the directory that holds the data');
  const logLevel = values['log-level'];
  if (!isLogLevel(logLevel))
    throw new Error(`--log-level must be debug, info, warn or error, got ${logLevel}`);
  return {
    directory: values.dir,
    port: wholeNumber('--port', values.port, 0, 65_535),
    bind: values.bind,
    setName: values['repl-set-name'],
    oplogMb: wholeNumber('--oplog-mb', values['oplog-mb'], 1, 1_000_000),
    testCommands: values['test-commands'],
    exitWithParent: values['exit-with-parent'],
    logLevel,
  };
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`${option} must be a whole number from ${min} to ${max}, got ${text}`);
}

function isLogLevel(text: string): text is LogLevel {
  return ['debug', 'info', 'warn', 'error'].includes(text);
}
