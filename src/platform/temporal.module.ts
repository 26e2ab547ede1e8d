import { Global, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Config } from './config.js';
import { CONFIG } from './platform.module.js';
import { TemporalClient } from './temporal.js';

@Global()
@Module({
  providers: [
    { provide: TemporalClient, inject: [CONFIG], useFactory: (config: Config) => new TemporalClient(config) },
  ],
  exports: [TemporalClient],
})
export class TemporalModule implements OnApplicationShutdown {
  constructor(private readonly temporal: TemporalClient) {}

  onApplicationShutdown(): Promise<void> {
    return this.temporal.close();
  }
}
