import { Agent, request } from 'undici';
import type { WebhookModels } from '../../store/webhooks/webhook-models.js';

const REFRESH_MS = 1_000;
const HINT_TIMEOUT_MS = 1_000;

/**
 * Tells the owners of lanes that there is work, fire and forget: a lost hint costs one poll interval of the lane.
 * At most one hint a lane is on its way; what comes up meanwhile is covered by one more behind it.
 */
export class LaneHints {
  #urls = new Map<string, string>();
  #readAt = Number.NEGATIVE_INFINITY;
  readonly #onTheWay = new Set<string>();
  readonly #again = new Set<string>();
  readonly #agent = new Agent({ connections: 2, keepAliveTimeout: 30_000, headersTimeout: HINT_TIMEOUT_MS });

  constructor(private readonly models: WebhookModels) {}

  send(lanes: Iterable<string>): void {
    for (const lane of lanes) {
      if (this.#onTheWay.has(lane)) this.#again.add(lane);
      else void this.#post(lane);
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #post(lane: string): Promise<void> {
    this.#onTheWay.add(lane);
    try {
      do {
        this.#again.delete(lane);
        const url = await this.#url(lane);
        if (url === undefined) return;
        const { body } = await request(url, { method: 'POST', dispatcher: this.#agent });
        await body.dump();
      } while (this.#again.has(lane));
    } catch {
      // The owner is gone or moved: read the lanes anew before the next hint.
      this.#readAt = Number.NEGATIVE_INFINITY;
    } finally {
      this.#onTheWay.delete(lane);
    }
  }

  async #url(lane: string): Promise<string | undefined> {
    if (performance.now() - this.#readAt > REFRESH_MS) {
      this.#readAt = performance.now();
      const rows = await this.models.lanes.find({ hintUrl: { $ne: null } }).lean();
      this.#urls = new Map(rows.map((row) => [row._id, row.hintUrl ?? '']));
    }
    return this.#urls.get(lane);
  }
}
