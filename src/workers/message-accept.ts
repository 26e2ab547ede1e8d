import type { Logger } from 'pino';
import type { Config } from '../platform/config.js';
import { AcceptRates } from '../store/webhooks/accept-rates.js';
import type { ApplicationCache } from '../store/webhooks/application-cache.js';
import { EventTypeCache } from '../store/webhooks/event-type/event-type-cache.js';
import { fanOut } from '../store/webhooks/fan-out.js';
import { MessageAccept } from '../store/webhooks/message-accept.js';
import { MessageRepository } from '../store/webhooks/message.repository.js';
import type { WebhookModels } from '../store/webhooks/webhook-models.js';

interface AcceptOptions {
  models: WebhookModels;
  cache: ApplicationCache;
  config: Pick<Config, 'WEBHOOK_LANES'>;
  log: Logger;
}

/** A worker accepts messages that are ours or were checked before; lanes find their rows by polling. */
export const workerAccept = ({ models, cache, config, log }: AcceptOptions): MessageAccept =>
  new MessageAccept(
    cache,
    new EventTypeCache(models),
    new MessageRepository(models),
    new AcceptRates(models),
    {
      lanes: config.WEBHOOK_LANES,
      durable: true,
      strictTypes: false,
      schemaMode: 'off',
      onStored: async (messages) => {
        const rows = messages.map(({ row }) => row);
        await fanOut(models, rows).catch((error: unknown) =>
          log.warn({ err: error }, 'delivery rows not stored; the sweeper will'),
        );
      },
    },
  );
