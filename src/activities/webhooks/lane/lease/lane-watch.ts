import type { Logger } from 'pino';
import type { LaneRepository } from '../../../../store/webhooks/lane.repository.js';
import type { LaneRow } from '../../../../store/webhooks/lane.schema.js';
import { isSameLease, LEASE_TIMES } from './lane-lease.js';
import { isProvablyDead } from './lane-owner.js';

interface Seen {
  row: LaneRow;
  sinceMs: number;
}

const LOOK_EVERY_MS = 2000;

/** Watches the leases of all lanes by this process's own clock, so that a lane of a dead owner is noticed soon. */
export class LaneWatch {
  readonly #seen = new Map<string, Seen>();
  /** The dead owner that was reported last, by lane. */
  readonly #reported = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #blind = false;

  /** @param onDead told of every owner that no longer shows life, again when it throws */
  constructor(
    private readonly lanes: LaneRepository,
    private readonly onDead: (lane: string, owner: string) => Promise<void>,
    private readonly log: Logger,
  ) {}

  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** For how long a lease has been seen exactly like this; 0 when it was never seen so. */
  unchangedMs(row: LaneRow): number {
    const seen = this.#seen.get(row._id);
    return seen !== undefined && isSameLease(seen.row, row) ? performance.now() - seen.sinceMs : 0;
  }

  async #look(): Promise<void> {
    try {
      for (const row of await this.lanes.all()) await this.#note(row);
      this.#blind = false;
    } catch (error) {
      if (!this.#blind) this.log.warn({ err: error }, 'lanes cannot be watched');
      this.#blind = true;
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), LOOK_EVERY_MS);
  }

  async #note(row: LaneRow): Promise<void> {
    const seen = this.#seen.get(row._id);
    if (seen === undefined || !isSameLease(seen.row, row)) {
      this.#seen.set(row._id, { row, sinceMs: performance.now() });
    }
    if (row.owner === null || this.#reported.get(row._id) === row.owner) return;
    if (this.unchangedMs(row) < LEASE_TIMES.takeOverMs && !isProvablyDead(row.owner)) return;
    await this.onDead(row._id, row.owner);
    this.#reported.set(row._id, row.owner);
  }
}
