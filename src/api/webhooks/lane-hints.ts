import { createHmac } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Agent, request } from 'undici';
import { OFFER_KEY_PURPOSE, OFFER_SIGNATURE } from '../../contracts/webhooks/lane-offer.js';
import type { OfferedMessage } from '../../contracts/webhooks/lane-offer.js';
import { GroupCommit } from '../../platform/group-commit.js';
import { deriveKey } from '../../platform/secret-box.js';
import type { LaneUrls } from './lane-urls.js';

const TIMEOUT_MS = 1_000;
// 40 messages of this size with their targets stay below MAX_OFFER_BYTES.
const MAX_MESSAGES = 40;

/**
 * Tells the owners of lanes that there is work. An offer carries the message itself, so that its owner can send it
 * without reading anything; a hint says only that there is something to read. Both may be lost: that costs one poll
 * interval of the lane. One request a lane is on its way at a time, what comes up meanwhile goes with the next.
 */
export class LaneHints {
  readonly #agent = new Agent({ connections: 2, keepAliveTimeout: 30_000, headersTimeout: TIMEOUT_MS });
  readonly #offers = new Map<string, GroupCommit<OfferedMessage, boolean>>();
  readonly #hints = new Map<string, GroupCommit<null, boolean>>();
  readonly #key: KeyObject;

  constructor(
    private readonly urls: LaneUrls,
    masterKey: string,
  ) {
    this.#key = deriveKey(masterKey, OFFER_KEY_PURPOSE);
  }

  /** Whether the owner of the lane takes care of the message; if not, hint when its rows are stored. */
  offer(lane: string, message: OfferedMessage): Promise<boolean> {
    return this.#group(this.#offers, lane, (messages) => Buffer.from(JSON.stringify(messages))).add(message);
  }

  /** There is something to read in the lane. Resolves when that was said, or could not be. */
  async hint(lane: string): Promise<void> {
    await this.#group(this.#hints, lane, () => null).add(null);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #group<Item>(
    groups: Map<string, GroupCommit<Item, boolean>>,
    lane: string,
    bodyOf: (items: Item[]) => Buffer | null,
  ): GroupCommit<Item, boolean> {
    let group = groups.get(lane);
    if (group === undefined) {
      const flush = async (items: Item[]) => {
        const taken = await this.#post(lane, bodyOf(items));
        return items.map(() => taken);
      };
      group = new GroupCommit({ maxItems: MAX_MESSAGES, flush });
      groups.set(lane, group);
    }
    return group;
  }

  async #post(lane: string, body: Buffer | null): Promise<boolean> {
    try {
      const url = await this.urls.of(lane);
      if (url === undefined) return false;
      const headers = body === null ? {} : { [OFFER_SIGNATURE]: this.#sign(body) };
      const answer = await request(url, { method: 'POST', headers, body, dispatcher: this.#agent });
      await answer.body.dump();
      return answer.statusCode === 204;
    } catch {
      this.urls.forget(); // the owner is gone or has moved
      return false;
    }
  }

  #sign = (body: Buffer) => createHmac('sha256', this.#key).update(body).digest('base64');
}
