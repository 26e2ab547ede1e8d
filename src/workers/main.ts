import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { configOrExit } from '../platform/config-or-exit.js';
import { configSummary } from '../platform/config.js';
import { armCrashPoints } from '../platform/crash-point.js';
import { createLogger } from '../platform/logging.js';
import { collectProcessMetrics } from '../platform/metrics.js';
import { exitWithParent, onStopSignal } from '../platform/process-end.js';
import { installTemporalRuntime } from '../platform/temporal-runtime.js';
import { freeLoopbackPort } from './free-port.js';
import { WorkerModule } from './worker.module.js';

const config = configOrExit();
const log = createLogger('worker', config.LOG_LEVEL);
log.info({ config: configSummary(config) }, 'settings');
collectProcessMetrics();
if (config.HOLDFAST_CRASH_POINTS !== undefined) {
  armCrashPoints(config.HOLDFAST_CRASH_POINTS);
  log.error('HOLDFAST_CRASH_POINTS is set: this process MAY KILL ITSELF; for tests only');
}

const temporalMetrics = config.TEMPORAL_METRICS_ADDRESS ?? `127.0.0.1:${await freeLoopbackPort()}`;
installTemporalRuntime(log, temporalMetrics);

const onFatal = (error: unknown) => {
  log.fatal({ err: error }, 'the worker cannot go on');
  process.exit(1);
};
const app = await NestFactory.createApplicationContext(
  WorkerModule.forProcess({ log, temporalMetrics, onFatal }),
  { logger: ['error', 'warn'], abortOnError: false },
).catch(onFatal);
log.info('the worker is ready');

const stop = onStopSignal(log, async () => app?.close());
if (config.HOLDFAST_EXIT_WITH_PARENT) exitWithParent(stop);
