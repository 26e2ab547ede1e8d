import { webhookMetrics } from '../../../../platform/metrics.js';
import type { DeliveryRepository } from '../../../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../../../store/webhooks/delivery.schema.js';

const PAGE_ROWS = 500;
/** More than a lane has in hand: a page of this length shows rows that are not, even if all are due at one time. */
const MOST_PAGE_ROWS = 8000;
/** A look at the whole lane from its oldest row; looks between start near the newest row seen. */
const HEAD_EVERY_MS = 250;
/** Rows may become visible later than rows with a later due time, by at most about this much. */
const OVERLAP_MS = 1000;

export interface ReadPage {
  rows: DeliveryRow[];
  /** There is more due than fitted on the page. */
  full: boolean;
}

/**
 * Reads the due rows of a lane page by page. Rows that are in hand stay in the store until their result is written,
 * so most looks start where the last one ended and only some start from the head. A batch makes many rows due in one
 * millisecond: where a page ends at the time it began with, the next is longer.
 */
export class LaneReader {
  #from: Date | null = null;
  #pageRows = PAGE_ROWS;
  #headReadMs = Number.NEGATIVE_INFINITY;
  /** Age in seconds of the head of the lane at the last look from the head. */
  oldestDueSec = 0;

  constructor(
    private readonly deliveries: DeliveryRepository,
    private readonly lane: string,
  ) {}

  /** The next look starts from the head, because rows that were skipped may be wanted now. */
  rewind(): void {
    this.#from = null;
    this.#pageRows = PAGE_ROWS;
  }

  async read(skipEndpoints: readonly string[]): Promise<ReadPage> {
    const now = new Date();
    const head = this.#from === null || performance.now() - this.#headReadMs > HEAD_EVERY_MS;
    if (head) this.#pageRows = PAGE_ROWS;
    const query = { now, limit: this.#pageRows, skipEndpoints };
    const rows = await this.deliveries.due(this.lane, head ? query : { ...query, from: this.#from! });
    if (head) this.#noteHead(rows[0], now);
    const full = rows.length === this.#pageRows;
    const last = rows.at(-1)?.q?.at;
    const stands = full && last?.getTime() === rows[0]?.q?.at.getTime();
    this.#pageRows = stands ? Math.min(this.#pageRows * 2, MOST_PAGE_ROWS) : PAGE_ROWS;
    if (full && last !== undefined) this.#from = last;
    else this.#from = new Date((last ?? now).getTime() - OVERLAP_MS);
    return { rows, full };
  }

  #noteHead(first: DeliveryRow | undefined, now: Date): void {
    this.#headReadMs = performance.now();
    this.oldestDueSec = first?.q === undefined ? 0 : (now.getTime() - first.q.at.getTime()) / 1000;
    webhookMetrics.oldestDueSeconds.set({ lane: this.lane }, this.oldestDueSec);
  }
}
