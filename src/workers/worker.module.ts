import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import { PlatformModule } from '../platform/platform.module.js';
import { TemporalModule } from '../platform/temporal.module.js';
import { WORK_WAITS } from '../store/connection.js';
import { StoreModule } from '../store/store.module.js';
import { ON_FATAL, TEMPORAL_METRICS_ADDRESS, WebhookWorker } from './webhook-worker.js';

export interface WorkerModuleOptions {
  log: Logger;
  /** host:port where the Temporal core serves its metrics. */
  temporalMetrics: string;
  onFatal: (error: unknown) => void;
}

/** The root of the worker process. */
@Module({})
export class WorkerModule {
  static forProcess({ log, temporalMetrics, onFatal }: WorkerModuleOptions): DynamicModule {
    return {
      module: WorkerModule,
      imports: [PlatformModule.forProcess(log), StoreModule.waiting(WORK_WAITS), TemporalModule],
      providers: [
        { provide: TEMPORAL_METRICS_ADDRESS, useValue: temporalMetrics },
        { provide: ON_FATAL, useValue: onFatal },
        WebhookWorker,
      ],
    };
  }
}
