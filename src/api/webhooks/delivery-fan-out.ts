import type { OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { fanOut } from '../../store/webhooks/fan-out.js';
import type { MessageRow } from '../../store/webhooks/message.schema.js';
import type { WebhookModels } from '../../store/webhooks/webhook-models.js';
import { LaneHints } from './lane-hints.js';

/**
 * What follows an accept: delivery rows, then a hint to the lanes. Nobody waits for it and nothing hangs on it: the
 * sweeper derives missing rows from the message, and lanes poll.
 */
export class DeliveryFanOut implements OnApplicationShutdown {
  readonly #hints: LaneHints;
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly models: WebhookModels,
    private readonly log: Logger,
  ) {
    this.#hints = new LaneHints(models);
  }

  start(messages: MessageRow[]): void {
    const run = this.#run(messages).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.#running);
    await this.#hints.close();
  }

  async #run(messages: MessageRow[]): Promise<void> {
    const lanes = new Set(messages.flatMap((message) => message.targets.map((target) => target.l)));
    if (lanes.size === 0) return;
    try {
      await fanOut(this.models, messages);
    } catch (error) {
      this.log.warn({ err: error, messages: messages.length }, 'delivery rows not stored; the sweeper will');
      return;
    }
    this.#hints.send(lanes);
  }
}
