import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import type { Level, Logger } from 'pino';

/** Prepares Temporal's native core for this process, once: its log lines and metrics leave like our own. */
export function installTemporalRuntime(log: Logger, metricsAddress: string): void {
  Runtime.install({
    // The process ends in order by its own handlers.
    shutdownSignals: [],
    logger: new DefaultLogger(levelOf(log), ({ level, message, meta }) => {
      log[LEVELS[level]]({ temporal: meta }, message);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      metrics: { prometheus: { bindAddress: metricsAddress } },
    },
  });
}

const LEVELS: Record<LogLevel, Level> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

const levelOf = (log: Logger): LogLevel =>
  (Object.keys(LEVELS) as LogLevel[]).find((level) => log.isLevelEnabled(LEVELS[level])) ?? 'ERROR';
