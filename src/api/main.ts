import 'reflect-metadata';
import { ConfigError, configSummary, loadConfig } from '../platform/config.js';
import type { Config } from '../platform/config.js';
import { createLogger } from '../platform/logging.js';
import { collectProcessMetrics } from '../platform/metrics.js';
import { exitWithParent, onStopSignal } from '../platform/process-end.js';
import { createHttpServer } from './http-server.js';

function configOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

const config = configOrExit();
const log = createLogger('api', config.LOG_LEVEL);
log.info({ config: configSummary(config) }, 'settings');
collectProcessMetrics();

const app = await createHttpServer(config, log);
await app.listen(config.API_PORT, config.API_HOST);
log.info({ url: await app.getUrl() }, 'the API is ready');

const stop = onStopSignal(log, () => app.close());
if (config.HOLDFAST_EXIT_WITH_PARENT) exitWithParent(stop);
