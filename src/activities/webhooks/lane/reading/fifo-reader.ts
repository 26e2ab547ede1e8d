import { ORDER_HELD } from '../../../../contracts/webhooks/delivery.js';
import type { DeliveryRow } from '../../../../store/webhooks/delivery.schema.js';
import type { EndpointRow } from '../../../../store/webhooks/endpoint.schema.js';
import type { FifoRepository } from '../../../../store/webhooks/fifo.repository.js';
import { messageFloor } from '../../../../store/webhooks/sweep.repository.js';
import type { SweepRepository } from '../../../../store/webhooks/sweep.repository.js';
import type { ReadPage } from './lane-reader.js';

const PAGE_ROWS = 200;
const PAGES = 5;
/** Deliveries of one key that are read ahead; where they go together, at least as many as two requests bring. */
const RUN_ROWS = 20;
const MAX_KEYS = 1000;

/** How far the deliveries of an endpoint are known to be complete; kept from round to round. */
export interface FifoProgress {
  /** Every message up to this id has its delivery row; null when nothing is known yet. */
  completeThrough: string | null;
}

/**
 * Reads what an ordered endpoint may be sent next: of each key the oldest open deliveries, up to the first that must
 * wait. A delivery that is retried, held, or still on its way elsewhere blocks its key; one that is scheduled for
 * later lets the others pass, and takes its turn when it is due.
 */
export class FifoReader {
  constructor(
    private readonly fifo: FifoRepository,
    private readonly sweeps: SweepRepository,
    private readonly lane: string,
    private readonly progress: FifoProgress,
  ) {}

  /** @param busyKeys keys that have a delivery in hand */
  async read(endpoint: EndpointRow, busyKeys: readonly string[]): Promise<ReadPage> {
    const now = new Date();
    const rows = await this.fifo.unordered(this.lane, now, PAGE_ROWS);
    const batch = endpoint.policy?.batch ?? null;
    // Where deliveries go together more may join those that have not gone yet.
    const seen = new Set(batch === null ? busyKeys : []);
    const ahead = Math.min(Math.max(RUN_ROWS, 2 * (batch?.max ?? 1)), PAGE_ROWS);
    for (let page = 0; page < PAGES && seen.size < MAX_KEYS; page++) {
      const found = await this.#page(endpoint, [...seen]);
      rows.push(...runs(found, this.lane, now, ahead));
      for (const { fk } of found) seen.add(fk!);
      if (found.length < PAGE_ROWS) break;
    }
    return { rows, full: false };
  }

  /** Open deliveries in order, none of them missing in between. */
  async #page(endpoint: EndpointRow, skipKeys: readonly string[]): Promise<DeliveryRow[]> {
    for (;;) {
      const rows = await this.fifo.open(endpoint._id, { skipKeys, limit: PAGE_ROWS });
      const through = rows.reduce((last, { msg }) => (msg > last ? msg : last), '');
      this.progress.completeThrough ??= messageFloor((await this.sweeps.watermark()) ?? endpoint.createdAt);
      const after = this.progress.completeThrough;
      if (through <= after) return rows;
      const isWhole = await this.fifo.complete(endpoint, { after, through }, { rows, skipKeys });
      this.progress.completeThrough = through;
      if (isWhole) return rows;
    }
  }
}

/** Of rows in order, those that may be sent one after the other, key by key. */
export function runs(rows: readonly DeliveryRow[], lane: string, now: Date, ahead: number): DeliveryRow[] {
  const taken = new Map<string, number>();
  return rows.filter((row) => {
    const before = taken.get(row.fk!) ?? 0;
    if (before >= ahead) return false;
    const goes = mayBeSent(row, lane, now);
    if (goes) taken.set(row.fk!, before + 1);
    else if (!isScheduled(row)) taken.set(row.fk!, ahead);
    return goes;
  });
}

const mayBeSent = ({ q, at, state, reason }: DeliveryRow, lane: string, now: Date): boolean =>
  // A new row is due whatever the clock of the host says that accepted it.
  q?.l === lane &&
  reason !== ORDER_HELD &&
  (q.at <= now || (state === 'pending' && q.at <= at && reason === null));

/** Accepted for a later time, and not touched since. */
const isScheduled = ({ q, at, state, reason }: DeliveryRow): boolean =>
  state === 'pending' && reason === null && q !== undefined && q.at > at;
