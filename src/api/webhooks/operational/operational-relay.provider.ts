import type { FactoryProvider } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Config } from '../../../platform/config.js';
import { CONFIG, LOGGER } from '../../../platform/platform.module.js';
import { WEBHOOK_MODELS } from '../../../store/store.module.js';
import { AcceptRates } from '../../../store/webhooks/accept-rates.js';
import { ApplicationCache } from '../../../store/webhooks/application-cache.js';
import { ApplicationRepository } from '../../../store/webhooks/application.repository.js';
import { EventTypeCache } from '../../../store/webhooks/event-type/event-type-cache.js';
import { MessageAccept } from '../../../store/webhooks/message-accept.js';
import { MessageRepository } from '../../../store/webhooks/message.repository.js';
import { OperationalRelay } from '../../../store/webhooks/operational/operational-relay.js';
import { OutboxBell } from '../../../store/webhooks/operational/outbox-bell.js';
import type { WebhookModels } from '../../../store/webhooks/webhook-models.js';
import { DeliveryFanOut } from '../delivery-fan-out.js';

/** Sends what changes of endpoints have to tell as soon as they are stored; the sweeper sends what it misses. */
export const operationalRelayProvider: FactoryProvider<OperationalRelay> = {
  provide: OperationalRelay,
  inject: [
    ...[
      WEBHOOK_MODELS,
      ApplicationRepository,
      ApplicationCache,
      EventTypeCache,
      MessageRepository,
      AcceptRates,
    ],
    ...[DeliveryFanOut, OutboxBell, CONFIG, LOGGER],
  ],
  useFactory: (
    models: WebhookModels,
    applications: ApplicationRepository,
    cache: ApplicationCache,
    eventTypes: EventTypeCache,
    messages: MessageRepository,
    rates: AcceptRates,
    fanOut: DeliveryFanOut,
    bell: OutboxBell,
    config: Config,
    log: Logger,
  ) => {
    const accepting = new MessageAccept(cache, eventTypes, messages, rates, {
      lanes: config.WEBHOOK_LANES,
      durable: true,
      strictTypes: false,
      schemaMode: 'off',
      onStored: (stored) => fanOut.start(stored),
    });
    const retentionDays = config.WEBHOOK_PAYLOAD_RETENTION_DAYS;
    return new OperationalRelay({ models, applications, accepting, bell, retentionDays, log });
  },
};
