import { Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Config } from '../../platform/config.js';
import { CONFIG, LOGGER } from '../../platform/platform.module.js';
import { SecretBox } from '../../platform/secret-box.js';
import { DatabaseProbe } from '../../store/database-probe.js';
import { WEBHOOK_MODELS } from '../../store/store.module.js';
import { AcceptRates } from '../../store/webhooks/accept-rates.js';
import { ApplicationCache } from '../../store/webhooks/application-cache.js';
import { EventTypeCache } from '../../store/webhooks/event-type/event-type-cache.js';
import { MessageAccept } from '../../store/webhooks/message-accept.js';
import { MessageRepository } from '../../store/webhooks/message.repository.js';
import type { WebhookModels } from '../../store/webhooks/webhook-models.js';
import { LaneBacklogRepository } from '../../store/webhooks/lane-backlog.repository.js';
import { ApplicationAccess } from './application-access.js';
import { ApplicationPolicyController } from './application-policy.controller.js';
import { ApplicationController } from './application.controller.js';
import { BatchIngest } from './batch/batch-ingest.js';
import { BatchController } from './batch/batch.controller.js';
import { DeliveryFanOut } from './delivery-fan-out.js';
import { EndpointPolicyController } from './endpoint-policy.controller.js';
import { EndpointPolicyWriter } from './endpoint-policy-writer.js';
import { EndpointSecretController } from './endpoint-secret.controller.js';
import { EndpointSecretWriter } from './endpoint-secret-writer.js';
import { EndpointSecrets } from './endpoint-secrets.js';
import { EndpointWriter } from './endpoint-writer.js';
import { EndpointController } from './endpoint.controller.js';
import { AttemptReader } from './history/attempt-reader.js';
import { AttemptController } from './history/attempt.controller.js';
import { DeliveryReader } from './history/delivery-reader.js';
import { DeliveryController } from './history/delivery.controller.js';
import { SkippedEndpointController } from './history/skipped-endpoint.controller.js';
import { SkippedEndpoints } from './history/skipped-endpoints.js';
import { EventTypeWriter } from './event-type/event-type-writer.js';
import { EventTypeController } from './event-type/event-type.controller.js';
import { OpenApiImport } from './event-type/openapi-import.js';
import { InboundIngest } from './inbound/inbound-ingest.js';
import { InboundSources } from './inbound/inbound-sources.js';
import { InboundController } from './inbound/inbound.controller.js';
import { LaneHints } from './lane-hints.js';
import { LaneStarts } from './lane-starts.js';
import { LaneUrls } from './lane-urls.js';
import { MessageIngest } from './message-ingest.js';
import { MessageController } from './message.controller.js';
import { MessageContentController } from './messages/message-content.controller.js';
import { MessageSearchController } from './messages/message-search.controller.js';
import { TestAttempt } from './messages/test-attempt.js';
import { TestAttemptController } from './messages/test-attempt.controller.js';
import { BackgroundTaskController } from './task/background-task.controller.js';
import { ReplayTasks } from './replay/replay-tasks.js';
import { ReplayController } from './replay/replay.controller.js';
import { SendExample } from './replay/send-example.js';
import { OperationalEndpointController } from './operational/operational-endpoint.controller.js';
import { OperationalEndpoints } from './operational/operational-endpoints.js';
import { OperationalEventsController } from './operational/operational-events.controller.js';
import { operationalRelayProvider } from './operational/operational-relay.provider.js';
import { OperationalSecretController } from './operational/operational-secret.controller.js';
import { LeasedPollerController } from './poller/leased-poller.controller.js';
import { LeasedPoller } from './poller/leased-poller.js';
import { MessageEventsController } from './poller/message-events.controller.js';
import { PollerController } from './poller/poller.controller.js';
import { Poller } from './poller/poller.js';
import { PollingEndpointController } from './poller/polling-endpoint.controller.js';
import { PollingEndpoints } from './poller/polling-endpoints.js';
import { EndpointCountController } from './statistics/endpoint-count.controller.js';
import { Resend } from './resend.js';
import { EndpointHealthReport } from './statistics/endpoint-health.js';
import { RetentionController } from './retention/retention.controller.js';
import { AttemptSeries } from './statistics/attempt-series.js';
import { AttemptSeriesController } from './statistics/attempt-series.controller.js';
import { StatisticsReader } from './statistics/statistics-reader.js';
import { StatisticsController } from './statistics/statistics.controller.js';
import { EndpointOauthWriter } from './oauth/endpoint-oauth-writer.js';
import { EndpointOauthController } from './oauth/endpoint-oauth.controller.js';
import { BackgroundTasks } from './task/background-tasks.js';
import { Broadcasts } from './task/broadcasts.js';
import { TaskResults } from './task/task-results.js';
import { WalkTaskController } from './task/walk-task.controller.js';
import { WalkTasks } from './task/walk-tasks.js';
import { EndpointTlsWriter } from './tls/endpoint-tls-writer.js';
import { EndpointTlsController } from './tls/endpoint-tls.controller.js';
import { EndpointTransformation } from './transformation/endpoint-transformation.js';
import { TransformationController } from './transformation/transformation.controller.js';

@Module({
  controllers: [
    ApplicationController,
    ApplicationPolicyController,
    EndpointController,
    EndpointPolicyController,
    EndpointSecretController,
    EndpointTlsController,
    EndpointOauthController,
    TransformationController,
    BatchController,
    MessageController,
    MessageContentController,
    MessageSearchController,
    TestAttemptController,
    AttemptController,
    DeliveryController,
    SkippedEndpointController,
    StatisticsController,
    AttemptSeriesController,
    ReplayController,
    BackgroundTaskController,
    WalkTaskController,
    EventTypeController,
    EndpointCountController,
    PollingEndpointController,
    PollerController,
    LeasedPollerController,
    MessageEventsController,
    OperationalEndpointController,
    OperationalSecretController,
    OperationalEventsController,
    RetentionController,
    InboundController,
  ],
  providers: [
    ApplicationAccess,
    EndpointWriter,
    EndpointPolicyWriter,
    EndpointTransformation,
    LaneStarts,
    EventTypeWriter,
    OpenApiImport,
    EndpointSecrets,
    EndpointSecretWriter,
    EndpointTlsWriter,
    EndpointOauthWriter,
    OperationalEndpoints,
    InboundSources,
    InboundIngest,
    MessageIngest,
    BatchIngest,
    Resend,
    AttemptReader,
    DeliveryReader,
    SkippedEndpoints,
    StatisticsReader,
    AttemptSeries,
    TestAttempt,
    EndpointHealthReport,
    ReplayTasks,
    BackgroundTasks,
    TaskResults,
    WalkTasks,
    Broadcasts,
    PollingEndpoints,
    Poller,
    LeasedPoller,
    SendExample,
    {
      provide: LaneBacklogRepository,
      inject: [WEBHOOK_MODELS],
      useFactory: (models: WebhookModels) => new LaneBacklogRepository(models),
    },
    {
      provide: SecretBox,
      inject: [CONFIG],
      useFactory: (config: Config) => new SecretBox(config.HOLDFAST_MASTER_KEY),
    },
    {
      provide: DeliveryFanOut,
      inject: [WEBHOOK_MODELS, CONFIG, LOGGER],
      useFactory: (models: WebhookModels, config: Config, log: Logger) => {
        const hints = new LaneHints(new LaneUrls(models), config.HOLDFAST_MASTER_KEY);
        return new DeliveryFanOut(models, hints, log);
      },
    },
    operationalRelayProvider,
    {
      provide: MessageAccept,
      inject: [
        ApplicationCache,
        EventTypeCache,
        MessageRepository,
        AcceptRates,
        DeliveryFanOut,
        DatabaseProbe,
        CONFIG,
        LOGGER,
      ],
      useFactory: (
        cache: ApplicationCache,
        eventTypes: EventTypeCache,
        messages: MessageRepository,
        rates: AcceptRates,
        fanOut: DeliveryFanOut,
        database: DatabaseProbe,
        config: Config,
        log: Logger,
      ) =>
        new MessageAccept(cache, eventTypes, messages, rates, {
          lanes: config.WEBHOOK_LANES,
          durable: config.WEBHOOK_DURABLE_ACCEPT === 'on',
          strictTypes: config.WEBHOOK_STRICT_TYPES,
          schemaMode: config.WEBHOOK_SCHEMA_MODE,
          untilPrimary: () => database.untilPrimary(),
          onMisfit: ({ _id: message, app, type, misfits }) =>
            log.warn(
              { message, app, type, misfits },
              'the payload does not fit the schema of its event type',
            ),
          onStored: (messages) => fanOut.start(messages),
        }),
    },
  ],
})
export class WebhooksModule {}
