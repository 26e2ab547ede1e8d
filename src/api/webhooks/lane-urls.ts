import type { WebhookModels } from '../../store/webhooks/webhook-models.js';

const MAX_AGE_MS = 1_000;

/** Where the owners of lanes take hints, read anew every second at most. */
export class LaneUrls {
  #urls: Promise<Map<string, string>> = Promise.resolve(new Map());
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly models: WebhookModels) {}

  async of(lane: string): Promise<string | undefined> {
    if (performance.now() - this.#readAt > MAX_AGE_MS) {
      this.#readAt = performance.now();
      this.#urls = this.#read();
    }
    return (await this.#urls).get(lane);
  }

  /** The next look reads anew. */
  forget(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  async #read(): Promise<Map<string, string>> {
    const rows = await this.models.lanes.find({ hintUrl: { $ne: null } }).lean();
    return new Map(rows.map((row) => [row._id, row.hintUrl ?? '']));
  }
}
