import type { SendAttemptInput } from '../../../src/contracts/webhooks/dispatch.js';
import { RETRY_LANE } from '../../../src/contracts/webhooks/delivery.js';
import { laneOf } from '../../../src/domain/webhooks/lane.js';
import { fanOut } from '../../../src/store/webhooks/fan-out.js';
import { LANES } from '../../../test/support/delivery-side.js';
import type { DeliverySide } from '../../../test/support/delivery-side.js';

/** Deliveries that stand in the store and that no dispatcher reads, of an endpoint that no other run has loaded. */
export class ParkedDeliveries {
  private constructor(
    private readonly side: DeliverySide,
    private readonly endpointId: string,
    readonly inputs: readonly SendAttemptInput[],
  ) {}

  static async store(side: DeliverySide, url: string, count: number, body: string) {
    const endpoint = await side.endpoint(url);
    const messages = await side.accept([endpoint], count, false, body);
    const parked = messages.map((message) => ({
      ...message,
      targets: message.targets.map((target) => ({ ...target, l: RETRY_LANE })),
    }));
    await fanOut(side.models, parked);
    const inputs = parked.map(({ _id, targets }) => ({
      deliveryId: targets[0]!.d,
      messageId: _id,
      endpointId: endpoint._id,
      appId: side.app,
      trigger: 'scheduled' as const,
    }));
    return new ParkedDeliveries(side, endpoint._id, inputs);
  }

  get ids(): string[] {
    return this.inputs.map(({ messageId }) => messageId);
  }

  /** Puts them into the lane of their endpoint. @returns the lane */
  async release(): Promise<string> {
    const lane = laneOf(this.endpointId, LANES);
    const q = { l: lane, at: new Date() };
    await this.side.models.deliveries.collection.updateMany({ ep: this.endpointId }, { $set: { q } });
    return lane;
  }

  /** Waits until the store says that all were taken. */
  async untilDelivered(timeoutMs: number): Promise<void> {
    const { collection } = this.side.models.deliveries;
    const delivered = () => collection.countDocuments({ ep: this.endpointId, state: 'delivered' });
    await this.side.until(delivered, (count) => count === this.inputs.length, timeoutMs);
  }
}
