import type { DeliveryRow } from '../../../../store/webhooks/delivery.schema.js';
import type { ReadyDelivery } from '../../ready-delivery.js';

interface Line {
  /** The one whose turn it is, with those that go in the same request. */
  inTurn: Set<string>;
  /** One of them has to be sent again before any other. */
  failed: boolean;
  behind: ReadyDelivery[];
}

const NOBODY: ReadyDelivery[] = [];

/** Lets deliveries that keep an order go one by one: the next only when the result of the one before is stored. */
export class FifoTurns {
  /** By endpoint and key. */
  readonly #lines = new Map<string, Line>();
  /** The lines that rows were meant to stand in when they were taken. */
  readonly #expected = new WeakMap<DeliveryRow, Line>();

  /** A row is being loaded that is to stand in its line. */
  expect(row: DeliveryRow): void {
    const known = this.#lineOf(row);
    if (known !== undefined) this.#expected.set(row, known);
  }

  /** Whether the line that a row was expected in is over, because one before it has to be sent again. */
  isLate(row: DeliveryRow): boolean {
    const expected = this.#expected.get(row);
    return expected?.failed === true && expected !== this.#lineOf(row);
  }

  /** Whether a delivery may go now; if not, it stands in line. */
  enter(delivery: ReadyDelivery): boolean {
    const line = lineOf(delivery.row);
    if (line === null) return true;
    const known = this.#lines.get(line);
    if (known !== undefined) known.behind.push(delivery);
    else this.#lines.set(line, { inTurn: new Set([delivery.row._id]), failed: false, behind: [] });
    return known === undefined;
  }

  /** Whether a delivery stands in its line, or has its turn. */
  has(row: DeliveryRow): boolean {
    const known = this.#lineOf(row);
    return (
      known !== undefined &&
      (known.inTurn.has(row._id) || known.behind.some((one) => one.row._id === row._id))
    );
  }

  /** How many stand behind a delivery. */
  behind({ row }: ReadyDelivery): number {
    return this.#lineOf(row)?.behind.length ?? 0;
  }

  /** Those right behind a delivery that go in the same request, as far as `goes` says; it is their turn then too. */
  withFollowers(delivery: ReadyDelivery, goes: (follower: ReadyDelivery) => boolean): ReadyDelivery[] {
    const known = this.#lineOf(delivery.row);
    if (known === undefined) return [delivery];
    const end = known.behind.findIndex((follower) => !goes(follower));
    const followers = known.behind.splice(0, end === -1 ? known.behind.length : end);
    for (const { row } of followers) known.inTurn.add(row._id);
    return [delivery, ...followers];
  }

  /**
   * Deliveries that had their turn do not go after all: they stand in front of their lines again.
   * @param deliveries in order
   * @returns those that may go at once
   */
  stepBack(deliveries: readonly ReadyDelivery[]): ReadyDelivery[] {
    const free = deliveries.filter(({ row }) => lineOf(row) === null);
    const lines = new Set<Line>();
    for (const delivery of deliveries.toReversed()) {
      const known = this.#lineOf(delivery.row);
      if (known === undefined) continue;
      known.inTurn.delete(delivery.row._id);
      known.behind.unshift(delivery);
      lines.add(known);
    }
    const first = [...lines].toReversed().filter(({ inTurn }) => inTurn.size === 0);
    return [...free, ...first.map((line) => next(line)!)];
  }

  /**
   * The turn of a delivery is over for now.
   * @returns the next when all whose turn it was have ended; else, when none is left, those that must wait for them
   */
  leave(row: DeliveryRow, ended: boolean): { next: ReadyDelivery | null; waiting: ReadyDelivery[] } {
    const known = this.#lineOf(row);
    if (known?.inTurn.delete(row._id) !== true) return { next: null, waiting: NOBODY };
    known.failed ||= !ended;
    if (known.inTurn.size > 0) return { next: null, waiting: NOBODY };
    const following = known.failed ? null : next(known);
    if (following !== null) return { next: following, waiting: NOBODY };
    this.#lines.delete(lineOf(row)!);
    return { next: null, waiting: known.behind };
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

  #lineOf(row: DeliveryRow): Line | undefined {
    const line = lineOf(row);
    return line === null ? undefined : this.#lines.get(line);
  }
}

function next(line: Line): ReadyDelivery | null {
  const delivery = line.behind.shift() ?? null;
  if (delivery !== null) line.inTurn.add(delivery.row._id);
  return delivery;
}

export const lineOf = ({ ep, fk }: Pick<DeliveryRow, 'ep' | 'fk'>): string | null =>
  fk === undefined ? null : `${ep} ${fk}`;
