import { ConfigError, loadConfig } from './config.js';
import type { Config } from './config.js';

/** The settings of this process; wrong ones are printed and end it with exit code 2. */
export function configOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
