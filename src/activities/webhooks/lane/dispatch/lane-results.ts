import type { Logger } from 'pino';
import { RETRY_GRACE_MS, RETRY_LANE } from '../../../../contracts/webhooks/delivery.js';
import { deliveryTitle } from '../../../../domain/webhooks/delivery-title.js';
import type { DeliveryRepository } from '../../../../store/webhooks/delivery.repository.js';
import type { DeliveryOutcome } from '../../delivery-outcome.js';
import type { ResultFlush } from '../../result-flush.js';
import type { RetryHandover } from '../../retry-handover.js';
import type { RowsInHand } from '../reading/rows-in-hand.js';

export interface LaneResultsOptions {
  deliveries: DeliveryRepository;
  flush: ResultFlush;
  handover: RetryHandover;
  log: Logger;
}

/** Results of one lane on their way to the store. */
export class LaneResults {
  readonly #writes = new Set<Promise<void>>();

  /** @param onWritten called when a result is stored, or known to be lost (`stored` false) */
  constructor(
    private readonly options: LaneResultsOptions,
    private readonly rows: RowsInHand,
    private readonly onWritten: (outcome: DeliveryOutcome, stored: boolean) => void,
  ) {}

  /** Results that are not stored yet. */
  get size(): number {
    return this.#writes.size;
  }

  get all(): Iterable<Promise<void>> {
    return this.#writes;
  }

  /** @param lane where the delivery came from */
  add(outcome: DeliveryOutcome, lane: string): void {
    let stored = false;
    const writing = this.#written(outcome, lane)
      .then((written) => (stored = written))
      .then(() => undefined)
      .finally(() => {
        this.#writes.delete(writing);
        this.onWritten(outcome, stored);
      });
    this.#writes.add(writing);
  }

  async #written(outcome: DeliveryOutcome, lane: string): Promise<boolean> {
    try {
      const flushed = await this.options.flush.add(outcome);
      if (flushed === 'written' && outcome.change.q?.l === RETRY_LANE) await this.#handOver(outcome, lane);
      this.rows.finish(outcome.row);
      return flushed === 'written';
    } catch (error) {
      this.rows.putBack(outcome.row);
      this.options.log.error({ err: error, delivery: outcome.row._id }, 'result lost, it will be sent again');
      return false;
    }
  }

  // A retry whose workflow cannot be started stays with the lane, on the same schedule.
  async #handOver({ row, endpoint, change }: DeliveryOutcome, lane: string): Promise<void> {
    const nextAt = new Date(change.q!.at.getTime() - RETRY_GRACE_MS);
    const title = deliveryTitle(row.type, endpoint!.url, row.ep);
    if (await this.options.handover.start(row, title, change.set.n!, nextAt)) return;
    const back = { _id: row._id, rev: row.rev + 1, set: {}, q: { l: lane, at: nextAt } };
    await this.options.deliveries.write([back], true);
  }
}
