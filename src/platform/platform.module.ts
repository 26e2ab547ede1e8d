import { Global, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import type { Logger } from 'pino';
import { configSchema, loadConfig } from './config.js';
import type { Config } from './config.js';

export const CONFIG = Symbol('config');
export const LOGGER = Symbol('logger');

/** The parsed settings and the process's logger, for every module. */
@Global()
@Module({})
export class PlatformModule {
  static forProcess(logger: Logger): DynamicModule {
    return {
      module: PlatformModule,
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true, validate: loadConfig })],
      providers: [
        { provide: CONFIG, inject: [ConfigService], useFactory: collectConfig },
        { provide: LOGGER, useValue: logger },
      ],
      exports: [CONFIG, LOGGER],
    };
  }
}

const collectConfig = (service: ConfigService): Config =>
  Object.fromEntries(
    Object.keys(configSchema.shape).map((name) => [name, service.get<unknown>(name)]),
  ) as unknown as Config;
