import { Inject, Module } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector } from '@nestjs/core';
import type { DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { Logger } from 'pino';
import { TokenHasher } from '../platform/auth/api-key.js';
import { AuthGuard } from '../platform/auth/auth.guard.js';
import { Authenticator } from '../platform/auth/authenticator.js';
import type { Config } from '../platform/config.js';
import { IdempotencyInterceptor } from '../platform/http/idempotency.interceptor.js';
import { ProblemFilter } from '../platform/http/problem.filter.js';
import type { NoRoute } from '../platform/http/problem.filter.js';
import { ValidationPipe } from '../platform/http/validation.js';
import { CONFIG, PlatformModule } from '../platform/platform.module.js';
import { SecretBox } from '../platform/secret-box.js';
import { TemporalModule } from '../platform/temporal.module.js';
import { ApiKeyRepository } from '../store/access/api-key.repository.js';
import { IdempotencyRepository } from '../store/idempotency/idempotency.repository.js';
import { REQUEST_WAITS } from '../store/connection.js';
import { StoreModule } from '../store/store.module.js';
import { ApiKeyController } from './access/api-key.controller.js';
import { ApiKeyService } from './access/api-key.service.js';
import { AppTokenController } from './access/app-token.controller.js';
import { AppTokens } from './access/app-tokens.js';
import { PortalAccess } from './access/portal-access.js';
import { PortalAccessController } from './access/portal-access.controller.js';
import { HealthController } from './health/health.controller.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** The root of the api process. */
@Module({
  controllers: [HealthController, ApiKeyController, PortalAccessController, AppTokenController],
  providers: [
    ApiKeyService,
    PortalAccess,
    AppTokens,
    {
      provide: SecretBox,
      inject: [CONFIG],
      useFactory: (config: Config) => new SecretBox(config.HOLDFAST_MASTER_KEY),
    },
    {
      provide: TokenHasher,
      inject: [CONFIG],
      useFactory: (config: Config) => new TokenHasher(config.HOLDFAST_MASTER_KEY),
    },
    {
      provide: Authenticator,
      inject: [TokenHasher, ApiKeyRepository],
      useFactory: (hasher: TokenHasher, keys: ApiKeyRepository) =>
        new Authenticator(hasher, (prefix) => keys.findByPrefix(prefix)),
    },
    {
      provide: APP_GUARD,
      inject: [Reflector, Authenticator],
      useFactory: (reflector: Reflector, authenticator: Authenticator) =>
        new AuthGuard(reflector, authenticator),
    },
    {
      provide: APP_INTERCEPTOR,
      inject: [Reflector, IdempotencyRepository],
      useFactory: (reflector: Reflector, store: IdempotencyRepository) =>
        new IdempotencyInterceptor(reflector, store),
    },
    { provide: APP_PIPE, useClass: ValidationPipe },
  ],
})
export class ApiModule implements OnApplicationBootstrap {
  static forProcess(logger: Logger, noRoute: NoRoute): DynamicModule {
    return {
      module: ApiModule,
      providers: [{ provide: APP_FILTER, useValue: new ProblemFilter(logger, noRoute) }],
      imports: [
        PlatformModule.forProcess(logger),
        LoggerModule.forRoot({ pinoHttp: { logger, autoLogging: false, quietReqLogger: true } }),
        StoreModule.waiting(REQUEST_WAITS),
        TemporalModule,
        WebhooksModule,
      ],
    };
  }

  constructor(
    private readonly keys: ApiKeyService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const token = this.config.HOLDFAST_BOOTSTRAP_KEY;
    if (token !== undefined) await this.keys.ensureBootstrapKey(token);
  }
}
