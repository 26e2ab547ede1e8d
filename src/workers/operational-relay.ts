import type { Logger } from 'pino';
import type { Config } from '../platform/config.js';
import { ApplicationCache } from '../store/webhooks/application-cache.js';
import type { ApplicationRepository } from '../store/webhooks/application.repository.js';
import { EventTypeCache } from '../store/webhooks/event-type/event-type-cache.js';
import { fanOut } from '../store/webhooks/fan-out.js';
import { MessageAccept } from '../store/webhooks/message-accept.js';
import { MessageRepository } from '../store/webhooks/message.repository.js';
import { OperationalRelay } from '../store/webhooks/operational/operational-relay.js';
import type { OutboxBell } from '../store/webhooks/operational/outbox-bell.js';
import type { WebhookModels } from '../store/webhooks/webhook-models.js';

interface RelayOptions {
  models: WebhookModels;
  applications: ApplicationRepository;
  bell: OutboxBell;
  config: Pick<Config, 'WEBHOOK_LANES' | 'WEBHOOK_PAYLOAD_RETENTION_DAYS'>;
  log: Logger;
}

/** The relay of a worker: it accepts operational events as messages itself, and lanes find their rows by polling. */
export function workerRelay({ models, applications, bell, config, log }: RelayOptions): OperationalRelay {
  const cache = new ApplicationCache(models, applications);
  const accepting = new MessageAccept(cache, new EventTypeCache(models), new MessageRepository(models), {
    lanes: config.WEBHOOK_LANES,
    durable: true,
    strictTypes: false,
    schemaMode: 'off',
    onStored: (messages) => {
      fanOut(
        models,
        messages.map(({ row }) => row),
      ).catch((error: unknown) => log.warn({ err: error }, 'delivery rows not stored; the sweeper will'));
    },
  });
  const retentionDays = config.WEBHOOK_PAYLOAD_RETENTION_DAYS;
  return new OperationalRelay({ models, applications: cache, accepting, bell, retentionDays, log });
}
