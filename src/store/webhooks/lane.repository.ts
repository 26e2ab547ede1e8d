import type { LaneRow } from './lane.schema.js';
import type { WebhookModels } from './webhook-models.js';

/**
 * Leases of lanes. Every write compares the fencing number, so of two processes that try to take a lane one
 * succeeds, and an owner that lost its lane learns so at its next renewal.
 */
export class LaneRepository {
  constructor(private readonly models: WebhookModels) {}

  async read(lane: string): Promise<LaneRow> {
    const found = await this.models.lanes.findById(lane).lean<LaneRow | null>();
    if (found !== null) return found;
    return this.models.lanes
      .findOneAndUpdate(
        { _id: lane },
        { $setOnInsert: { owner: null, epoch: 0, beat: 0, hintUrl: null } },
        { upsert: true, returnDocument: 'after' },
      )
      .lean<LaneRow>();
  }

  all(): Promise<LaneRow[]> {
    return this.models.lanes.find().lean<LaneRow[]>();
  }

  /** Takes a lane from the state that was seen. False when it has changed since. */
  async take(seen: LaneRow, owner: string, hintUrl: string | null): Promise<boolean> {
    const { modifiedCount } = await this.models.lanes.updateOne(
      { _id: seen._id, owner: seen.owner, epoch: seen.epoch, beat: seen.beat },
      { $set: { owner, hintUrl, epoch: seen.epoch + 1, beat: 0 } },
    );
    return modifiedCount === 1;
  }

  /** False when the lane has another owner by now. */
  async renew(lane: string, owner: string, epoch: number): Promise<boolean> {
    const { matchedCount } = await this.models.lanes.updateOne(
      { _id: lane, owner, epoch },
      { $inc: { beat: 1 } },
    );
    return matchedCount === 1;
  }

  /** Gives a lane up, so that the next one need not wait for it to look dead. */
  async release(lane: string, owner: string, epoch: number): Promise<void> {
    await this.models.lanes.updateOne({ _id: lane, owner, epoch }, { $set: { owner: null, hintUrl: null } });
  }
}
