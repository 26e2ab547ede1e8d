import 'reflect-metadata';
import { configOrExit } from '../platform/config-or-exit.js';
import { configSummary } from '../platform/config.js';
import { armCrashPoints } from '../platform/crash-point.js';
import { createLogger } from '../platform/logging.js';
import { collectProcessMetrics } from '../platform/metrics.js';
import { exitWithParent, onStopSignal } from '../platform/process-end.js';
import { createHttpServer } from './http-server.js';

const config = configOrExit();
const log = createLogger('api', config.LOG_LEVEL);
log.info({ config: configSummary(config) }, 'settings');
collectProcessMetrics();
if (config.HOLDFAST_CRASH_POINTS !== undefined) {
  armCrashPoints(config.HOLDFAST_CRASH_POINTS);
  log.error('HOLDFAST_CRASH_POINTS is set: this process MAY KILL ITSELF; for tests only');
}

const app = await createHttpServer(config, log);
await app.listen(config.API_PORT, config.API_HOST);
log.info({ url: await app.getUrl() }, 'the API is ready');

const stop = onStopSignal(log, () => app.close());
if (config.HOLDFAST_EXIT_WITH_PARENT) exitWithParent(stop);
