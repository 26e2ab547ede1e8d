import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import type { OfferedMessage } from '../../contracts/webhooks/lane-offer.js';
import { die, isToCrash } from '../../platform/crash-point.js';
import { fanOut } from '../../store/webhooks/fan-out.js';
import { hasManyTargets, unpacked } from '../../store/webhooks/packed-targets.js';
import type { StoredMessage } from '../../store/webhooks/message-accept.js';
import type { WebhookModels } from '../../store/webhooks/webhook-models.js';
import type { LaneHints } from './lane-hints.js';

/** Larger messages are not offered: reading them costs little beside sending them. */
const MAX_OFFERED_BYTES = 16_384;
const MAX_OFFERED_TARGETS = 50;
/** Before a crash that a test wants: after this the answers have left the process, on a busy machine too. */
const ANSWERS_OUT_MS = 1000;

/**
 * What follows an accept: the message is offered to the owners of its lanes while its delivery rows are stored. Nothing
 * hangs on it: the sweeper derives missing rows from the message, and lanes poll.
 */
export class DeliveryFanOut implements OnApplicationShutdown {
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly models: WebhookModels,
    private readonly hints: LaneHints,
    private readonly log: Logger,
  ) {}

  /** Settles when the delivery rows are stored, or could not be. */
  async start(messages: StoredMessage[]): Promise<void> {
    const owesRows = messages.some(({ row }) => row.targets.length > 0 || row.packed !== undefined);
    if (owesRows && isToCrash('accepted')) {
      setTimeout(die, ANSWERS_OUT_MS);
      return;
    }
    const { promise: stored, resolve: onRows } = Promise.withResolvers<void>();
    const run = this.#run(messages, onRows).finally(() => {
      onRows();
      this.#running.delete(run);
    });
    this.#running.add(run);
    await stored;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.#running);
    await this.hints.close();
  }

  async #run(stored: StoredMessage[], onRows: () => void): Promise<void> {
    // Writing out thousands of deliveries takes a while: whoever waits for the 202 goes first.
    if (stored.some(({ row }) => hasManyTargets(row))) await nextTurn();
    const messages = stored.map(({ row, appRev }) => ({ row: unpacked(row), appRev }));
    const offered = messages.flatMap((message) => this.#offer(message));
    try {
      const rows = messages.map(({ row }) => row);
      await fanOut(this.models, rows);
      onRows();
    } catch (error) {
      this.log.warn({ err: error, messages: messages.length }, 'delivery rows not stored; the sweeper will');
      return;
    }
    const unread = new Set((await Promise.all(offered)).filter((lane) => lane !== null));
    await Promise.all([...unread].map((lane) => this.hints.hint(lane)));
  }

  /** The lanes that must read the message, once its rows are stored; null where the owner has taken it. */
  #offer({ row, appRev }: StoredMessage): Promise<string | null>[] {
    if (row.deliverAt !== null) return []; // lanes look by themselves when it is due
    const lanes = Map.groupBy(row.targets, (target) => target.l);
    const bytes = row.body?.buffer ?? new Uint8Array();
    const offerable = bytes.length <= MAX_OFFERED_BYTES && row.targets.length <= MAX_OFFERED_TARGETS;
    if (!offerable) return [...lanes.keys()].map((lane) => Promise.resolve(lane));
    const body = Buffer.from(bytes).toString('base64');
    return [...lanes].map(async ([lane, targets]) => {
      const message: OfferedMessage = {
        id: row._id,
        app: row.app,
        appRev,
        type: row.type,
        channels: row.channels,
        tags: row.tags,
        ...(row.trace === undefined ? {} : { trace: row.trace }),
        at: row.at.getTime(),
        body,
        targets: targets.map(({ d, e, f }) => ({ d, e, ...(f === undefined ? {} : { f }) })),
      };
      return (await this.hints.offer(lane, message)) ? null : lane;
    });
  }
}
