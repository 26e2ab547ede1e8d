import { parseArgs } from 'node:util';
import type { ServerOptions } from './server-info.js';
import { EmbeddedServer } from './server.js';
import { isLogLevel, log, setLogLevel } from './stats/log.js';

const USAGE = `usage: node cli.js --dir D [--port 0] [--bind 127.0.0.1] [--repl-set-name rs0] [--oplog-mb 256]
  [--test-commands] [--exit-with-parent] [--log-level debug|info|warn|error]`;

await main();

async function main(): Promise<void> {
  let options: ServerOptions & { exitWithParent: boolean };
  try {
    options = parseOptions();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
  try {
    await run(options);
  } catch (error) {
    log('error', 'cannot start', { error: (error as Error).message });
    process.exit(1);
  }
}

async function run(options: ServerOptions & { exitWithParent: boolean }): Promise<void> {
  const server = await EmbeddedServer.start(options);
  const { port, uri } = server.info;
  process.stdout.write(`${JSON.stringify({ ready: true, port, pid: process.pid, uri })}\n`);
  log('info', 'ready', { port, directory: options.directory });

  let stopping = false;
  const stop = async (reason: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log('info', 'stopping', { reason });
    try {
      await server.stop();
      process.exit(0);
    } catch (error) {
      log('error', 'stopping failed', { error: String(error) });
      process.exit(1);
    }
  };
  process.on('SIGTERM', () => void stop('SIGTERM')).on('SIGINT', () => void stop('SIGINT'));
  if (!options.exitWithParent) return;
  // A parent that ends, however it ends, closes the pipe.
  const parentEnded = (): void => void stop('parent ended');
  process.stdin.on('end', parentEnded).on('error', parentEnded).resume();
}

function parseOptions(): ServerOptions & { exitWithParent: boolean } {
  const text = (fallback: string) => ({ type: 'string', default: fallback }) as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      dir: text(''),
      port: text('0'),
      bind: text('127.0.0.1'),
      'repl-set-name': text('rs0'),
      'oplog-mb': text('256'),
      'test-commands': flag,
      'exit-with-parent': flag,
      'log-level': text('info'),
    },
  });
  if (!values.dir) throw new Error('--dir is required: the directory that holds the data');
  const level = values['log-level'];
  if (!isLogLevel(level)) throw new Error(`--log-level must be debug, info, warn or error, got ${level}`);
  setLogLevel(level);
  return {
    directory: values.dir,
    port: wholeNumber('--port', values.port, 0, 65_535),
    bind: values.bind,
    setName: values['repl-set-name'],
    oplogMb: wholeNumber('--oplog-mb', values['oplog-mb'], 1, 1_000_000),
    testCommands: values['test-commands'],
    exitWithParent: values['exit-with-parent'],
  };
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`${option} must be a whole number from ${min} to ${max}, got ${text}`);
}
