import { Global, Inject, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationShutdown } from '@nestjs/common';
import type { Connection } from 'mongoose';
import type { Config } from '../platform/config.js';
import { CONFIG } from '../platform/platform.module.js';
import { ApiKeyRepository } from './access/api-key.repository.js';
import { connectMongo } from './connection.js';
import type { MongoWaits } from './connection.js';
import { DatabaseProbe } from './database-probe.js';
import { IdempotencyRepository } from './idempotency/idempotency.repository.js';
import { AcceptRates } from './webhooks/accept-rates.js';
import { ApplicationCache } from './webhooks/application-cache.js';
import { ApplicationRepository } from './webhooks/application.repository.js';
import { AttemptListRepository } from './webhooks/lists/attempt-list.repository.js';
import { DeliveryCancelRepository } from './webhooks/delivery-cancel.repository.js';
import { EndpointRepository } from './webhooks/endpoint.repository.js';
import { DeliveryListRepository } from './webhooks/lists/delivery-list.repository.js';
import { SkippedEndpointRepository } from './webhooks/lists/skipped-endpoint.repository.js';
import { EventTypeCache } from './webhooks/event-type/event-type-cache.js';
import { EventTypeRepository } from './webhooks/event-type/event-type.repository.js';
import { MessageRepository } from './webhooks/message.repository.js';
import { StatisticsRepository } from './webhooks/statistics/statistics.repository.js';
import { InboundRepository } from './webhooks/inbound/inbound.repository.js';
import { OutboxBell } from './webhooks/operational/outbox-bell.js';
import { EndpointCountRepository } from './webhooks/statistics/endpoint-count.repository.js';
import { PolledMessages } from './webhooks/poller/polled-messages.repository.js';
import { PollerConsumerRepository } from './webhooks/poller/poller-consumer.repository.js';
import { PollerLeaseRepository } from './webhooks/poller/poller-lease.repository.js';
import { PollerRepository } from './webhooks/poller/poller.repository.js';
import { TaskRepository } from './webhooks/task/task.repository.js';
import { TaskResultRepository } from './webhooks/task/task-result.repository.js';
import { createWebhookIndexes, webhookModels } from './webhooks/webhook-models.js';
import type { WebhookModels } from './webhooks/webhook-models.js';

const MONGO = Symbol('mongo connection');
const MONGO_WAITS = Symbol('waits for mongo');
export const WEBHOOK_MODELS = Symbol('webhook models');

const fromModels = <T>(type: new (models: WebhookModels) => T) => ({
  provide: type,
  inject: [WEBHOOK_MODELS],
  useFactory: (models: WebhookModels) => new type(models),
});
const indexed = <T extends { createIndexes(): Promise<void> }>(type: new (connection: Connection) => T) => ({
  provide: type,
  inject: [MONGO],
  useFactory: async (connection: Connection) => {
    const repository = new type(connection);
    await repository.createIndexes();
    return repository;
  },
});

/** The connection to MongoDB, its indexes and the repositories, for api and worker. */
@Global()
@Module({
  providers: [
    {
      provide: MONGO,
      inject: [CONFIG, MONGO_WAITS],
      useFactory: (config: Config, waits: MongoWaits) =>
        connectMongo(config.MONGODB_URL, config.MONGODB_DATABASE, waits),
    },
    {
      provide: WEBHOOK_MODELS,
      inject: [MONGO],
      useFactory: async (connection: Connection) => {
        const models = webhookModels(connection);
        await createWebhookIndexes(models);
        return models;
      },
    },
    fromModels(ApplicationRepository),
    fromModels(MessageRepository),
    fromModels(AcceptRates),
    fromModels(PollerRepository),
    fromModels(PollerConsumerRepository),
    fromModels(PollerLeaseRepository),
    fromModels(PolledMessages),
    fromModels(EndpointCountRepository),
    fromModels(AttemptListRepository),
    fromModels(DeliveryListRepository),
    fromModels(SkippedEndpointRepository),
    fromModels(StatisticsRepository),
    fromModels(DeliveryCancelRepository),
    OutboxBell,
    {
      provide: TaskRepository,
      inject: [WEBHOOK_MODELS, OutboxBell],
      useFactory: (models: WebhookModels, bell: OutboxBell) => new TaskRepository(models, bell),
    },
    fromModels(TaskResultRepository),
    fromModels(InboundRepository),
    fromModels(EventTypeRepository),
    fromModels(EventTypeCache),
    {
      provide: EndpointRepository,
      inject: [WEBHOOK_MODELS, ApplicationRepository, OutboxBell],
      useFactory: (models: WebhookModels, applications: ApplicationRepository, bell: OutboxBell) =>
        new EndpointRepository(models, applications, bell),
    },
    {
      provide: ApplicationCache,
      inject: [WEBHOOK_MODELS, ApplicationRepository],
      useFactory: (models: WebhookModels, applications: ApplicationRepository) =>
        new ApplicationCache(models, applications),
    },
    {
      provide: DatabaseProbe,
      inject: [MONGO],
      useFactory: (connection: Connection) => new DatabaseProbe(connection),
    },
    indexed(ApiKeyRepository),
    indexed(IdempotencyRepository),
  ],
  exports: [
    DatabaseProbe,
    WEBHOOK_MODELS,
    ApplicationRepository,
    ApplicationCache,
    EndpointRepository,
    EventTypeRepository,
    EventTypeCache,
    MessageRepository,
    AcceptRates,
    AttemptListRepository,
    DeliveryListRepository,
    SkippedEndpointRepository,
    StatisticsRepository,
    DeliveryCancelRepository,
    TaskRepository,
    TaskResultRepository,
    PollerRepository,
    PollerConsumerRepository,
    PollerLeaseRepository,
    PolledMessages,
    EndpointCountRepository,
    OutboxBell,
    InboundRepository,
    ApiKeyRepository,
    IdempotencyRepository,
  ],
})
export class StoreModule implements OnApplicationShutdown {
  static waiting(waits: MongoWaits): DynamicModule {
    return { module: StoreModule, providers: [{ provide: MONGO_WAITS, useValue: waits }] };
  }

  constructor(@Inject(MONGO) private readonly connection: Connection) {}

  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }
}
