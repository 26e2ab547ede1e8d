import { webhookMetrics } from '../../../../platform/metrics.js';
import type { DeliveryRepository } from '../../../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../../../store/webhooks/delivery.schema.js';
import type { RowsInHand } from './rows-in-hand.js';

const PAGE_ROWS = 500;
/** More than a lane has in hand: a page of this length shows rows that are not, even if all are due at one time. */
const MOST_PAGE_ROWS = 8000;
/** A look at the whole lane from its oldest row; looks between start near the newest row seen. */
const HEAD_EVERY_MS = 250;
/** The same while more waits than fits on a page: what stands first then is mostly in hand. */
const BUSY_HEAD_EVERY_MS = 2000;
/** Rows may become visible later than rows with a later due time, by at most about this much. */
const OVERLAP_MS = 1000;

export interface ReadPage {
  rows: DeliveryRow[];
  /** There is more due than fitted on the page. */
  full: boolean;
}

/**
 * Reads the due rows of a lane page by page. Rows that are in hand stay in the store until their result is written,
 * so most looks start where the last one ended, or with the first row that was left where it was, and only some from
 * the head. A batch makes many rows due in one millisecond: where a page ends at the time it began with, the next is
 * longer.
 */
export class LaneReader {
  /** Due time where the next look starts; 0 = at the head. */
  #fromMs = 0;
  /** Due time of the first row that was seen or passed over and not taken. */
  #leftMs = Number.POSITIVE_INFINITY;
  #pageRows = PAGE_ROWS;
  #headReadMs = Number.NEGATIVE_INFINITY;
  #headEveryMs = HEAD_EVERY_MS;
  /** Age in seconds of the head of the lane at the last look from the head. */
  oldestDueSec = 0;

  constructor(
    private readonly deliveries: DeliveryRepository,
    private readonly lane: string,
    private readonly inHand: RowsInHand,
  ) {}

  /** The next look starts with what was left, because it may be wanted now. */
  rewind(): void {
    this.#fromMs = Number.isFinite(this.#leftMs) ? Math.min(this.#leftMs, this.#fromMs) : 0;
    this.#leftMs = Number.POSITIVE_INFINITY;
    this.#pageRows = PAGE_ROWS;
  }

  async read(skipEndpoints: readonly string[]): Promise<ReadPage> {
    const now = new Date();
    this.#fromMs = Math.min(this.#fromMs, this.inHand.takeBackSinceMs());
    if (skipEndpoints.length > 0) this.#leftMs = Math.min(this.#leftMs, this.#fromMs);
    const head = this.#fromMs === 0 || performance.now() - this.#headReadMs > this.#headEveryMs;
    if (head) this.#pageRows = PAGE_ROWS;
    const query = { now, limit: this.#pageRows, skipEndpoints };
    const rows = await this.deliveries.due(
      this.lane,
      head ? query : { ...query, from: new Date(this.#fromMs) },
    );
    const full = rows.length === this.#pageRows;
    if (head) this.#noteHead(rows[0], now, full);
    const last = rows.at(-1)?.q?.at;
    const stands = full && last?.getTime() === rows[0]?.q?.at.getTime();
    this.#pageRows = stands ? Math.min(this.#pageRows * 2, MOST_PAGE_ROWS) : PAGE_ROWS;
    this.#fromMs = (last ?? now).getTime() - (full ? 0 : OVERLAP_MS);
    return { rows, full };
  }

  /** Of what was read, what could be taken was. */
  taken(rows: readonly DeliveryRow[]): void {
    const left = rows.find((row) => this.inHand.isFree(row));
    if (left?.q !== undefined) this.#leftMs = Math.min(this.#leftMs, left.q.at.getTime());
  }

  #noteHead(first: DeliveryRow | undefined, now: Date, full: boolean): void {
    this.#headReadMs = performance.now();
    this.#headEveryMs = full ? BUSY_HEAD_EVERY_MS : HEAD_EVERY_MS;
    this.oldestDueSec = first?.q === undefined ? 0 : (now.getTime() - first.q.at.getTime()) / 1000;
    webhookMetrics.oldestDueSeconds.set({ lane: this.lane }, this.oldestDueSec);
  }
}
