#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { ApiClient, CliError } from './api-client.js';
import { createKey, listKeys, revokeKey } from './keys.js';

const USAGE = `Usage: holdfast <command>

  keys create --name NAME [--role viewer|operator|admin] [--scope messages:write ...] [--application ID_OR_UID]
              [--expires-at 2027-01-31T00:00:00Z]
              makes an API key and shows it once
  keys list   lists the keys
  keys revoke ID

Options for all: --json (machine-readable output), --url URL, --key KEY
Without --url and --key: HOLDFAST_API_URL and HOLDFAST_API_KEY, else run/stack.json below HOLDFAST_DATA_DIR
(default .holdfast), which npm start writes.`;

const options = {
  name: { type: 'string' },
  role: { type: 'string' },
  scope: { type: 'string', multiple: true },
  application: { type: 'string' },
  'expires-at': { type: 'string' },
  url: { type: 'string' },
  key: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false, short: 'h' },
} as const;

async function run(argv: string[]): Promise<string> {
  const { values, positionals } = parse(argv);
  if (values.help || positionals.length === 0) return USAGE;
  const client = () => ApiClient.fromEnvironment(values);
  switch (positionals.slice(0, 2).join(' ')) {
    case 'keys create':
      return createKey(client(), values);
    case 'keys list':
      return listKeys(client(), values.json);
    case 'keys revoke':
      return revokeKey(client(), positionals[2]);
    default:
      throw new CliError(`There is no command "${positionals.join(' ')}".\n\n${USAGE}`, 2);
  }
}

function parse(argv: string[]) {
  try {
    return parseArgs({ args: argv, options, allowPositionals: true });
  } catch (error) {
    throw new CliError(`${(error as Error).message}\n\n${USAGE}`, 2);
  }
}

try {
  process.stdout.write(`${await run(process.argv.slice(2))}\n`);
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
