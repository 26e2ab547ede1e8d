import type { Logger } from 'pino';
import { crashPoint } from '../../../platform/crash-point.js';
import type { LaneBacklogRepository } from '../../../store/webhooks/lane-backlog.repository.js';
import type { RowsInHand } from './reading/rows-in-hand.js';

const ROWS_A_WRITE = 500;

/**
 * Moves what waits in a lane for one endpoint to another lane. Only the owner of a lane does so: it knows what it has
 * in hand, and leaves that alone, so nothing is sent by two lanes at a time. What it misses is moved when it is read.
 */
export class LaneMoves {
  readonly #moving = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(
    private readonly backlog: LaneBacklogRepository,
    private readonly lane: string,
    private readonly rows: RowsInHand,
    private readonly log: Logger,
  ) {}

  /** Endpoints that are being moved: their rows are not to be read meanwhile. */
  get endpoints(): string[] {
    return [...this.#moving.keys()];
  }

  /** Moves everything of an endpoint that is not in hand. One move of an endpoint goes on at a time. */
  start(endpoint: string, to: string): Promise<void> {
    if (to === this.lane) return Promise.resolve();
    const running = this.#moving.get(endpoint);
    if (running !== undefined) return running;
    const moving = this.#move(endpoint, to)
      .catch((error: unknown) => {
        this.log.warn({ err: error, endpoint, from: this.lane, to }, 'deliveries not moved yet');
      })
      .finally(() => this.#moving.delete(endpoint));
    this.#moving.set(endpoint, moving);
    return moving;
  }

  /** Moves no more after what is on its way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#moving.values());
  }

  async #move(endpoint: string, to: string): Promise<void> {
    for (;;) {
      const found = await this.backlog.inLane(endpoint, this.lane, ROWS_A_WRITE + this.rows.size);
      const free = found.filter((row) => this.rows.isFree(row)).slice(0, ROWS_A_WRITE);
      if (free.length === 0 || this.#stopped) return;
      for (const row of free) this.rows.take(row);
      try {
        await this.backlog.move(
          free.map(({ _id }) => _id),
          this.lane,
          to,
        );
        crashPoint('lane_rows_moved');
        for (const row of free) this.rows.finish(row);
      } catch (error) {
        for (const row of free) this.rows.putBack(row);
        throw error;
      }
    }
  }
}
