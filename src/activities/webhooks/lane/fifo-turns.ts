import type { DeliveryRow } from '../../../store/webhooks/delivery.schema.js';
import type { ReadyDelivery } from '../delivery-try.js';

/** Lets deliveries that keep an order go one by one: the next only when the result of the one before is stored. */
export class FifoTurns {
  /** By endpoint and key: the one on its way, and those behind it. */
  readonly #lines = new Map<string, { head: string; behind: ReadyDelivery[] }>();

  /** Whether a delivery may go now; if not, it stands in line. */
  enter(delivery: ReadyDelivery): boolean {
    const line = lineOf(delivery.row);
    if (line === null) return true;
    const known = this.#lines.get(line);
    if (known === undefined) this.#lines.set(line, { head: delivery.row._id, behind: [] });
    else known.behind.push(delivery);
    return known === undefined;
  }

  /** The delivery on its way is over for now. @returns the next, when it ended; else those that must wait for it */
  leave(row: DeliveryRow, ended: boolean): { next: ReadyDelivery | null; waiting: ReadyDelivery[] } {
    const line = lineOf(row);
    const known = line === null ? undefined : this.#lines.get(line);
    if (line === null || known?.head !== row._id) return { next: null, waiting: [] };
    const next = ended ? known.behind.shift() : undefined;
    if (next === undefined) {
      this.#lines.delete(line);
      return { next: null, waiting: known.behind };
    }
    known.head = next.row._id;
    return { next, waiting: [] };
  }

  /** Keys of an endpoint that have a delivery on its way. */
  busyKeys(endpoint: string): string[] {
    const start = `${endpoint} `;
    return [...this.#lines.keys()].filter((line) => line.startsWith(start)).map((l) => l.slice(start.length));
  }

  /** Takes out everybody who stands behind another. */
  clear(): ReadyDelivery[] {
    return [...this.#lines.values()].flatMap(({ behind }) => behind.splice(0));
  }
}

export const lineOf = ({ ep, fk }: Pick<DeliveryRow, 'ep' | 'fk'>): string | null =>
  fk === undefined ? null : `${ep} ${fk}`;
