import { DURABLE } from '../connection.js';
import { announced } from './announced.js';
import type { ApplicationRepository } from './application.repository.js';
import type { Circuit, EndpointRow } from './endpoint.schema.js';
import type { WebhookModels } from './webhook-models.js';

type Ref = Pick<EndpointRow, '_id' | 'app'>;

/** Which lane an endpoint has, and whether its breaker is open. Every change is announced to the accept. */
export class EndpointLaneRepository {
  constructor(
    private readonly models: WebhookModels,
    private readonly applications: ApplicationRepository,
  ) {}

  /** Gives an endpoint of a shared lane its own. @returns whether it had none */
  giveOwn(endpoint: Ref): Promise<boolean> {
    return this.#change(endpoint, { lane: null }, { $set: { lane: endpoint._id } });
  }

  /** Gives an endpoint back to its shared lane, unless something needs the lane of its own. */
  giveBack(endpoint: Ref): Promise<boolean> {
    const idle = { lane: endpoint._id, circuit: { $exists: false }, 'policy.fifo': null };
    return this.#change(endpoint, idle, { $set: { lane: null } });
  }

  /** Opens the breaker of an endpoint that has none open. */
  open(endpoint: Ref, circuit: Circuit): Promise<boolean> {
    const closed = { circuit: { $exists: false }, disabled: false, deletedAt: null };
    return this.#change(endpoint, closed, { $set: { circuit, lane: endpoint._id } });
  }

  /** Notes how an open breaker goes on. Not announced: where messages go stays the same. */
  async note(id: string, changes: Partial<Circuit>): Promise<void> {
    const $set = Object.fromEntries(
      Object.entries(changes).map(([name, value]) => [`circuit.${name}`, value]),
    );
    await this.models.endpoints.updateOne(
      { _id: id, circuit: { $exists: true } },
      { $set, $inc: { rev: 1 } },
      { writeConcern: DURABLE },
    );
  }

  /** Closes the breaker. The endpoint keeps its lane only where it needs one. */
  async close(endpoint: Ref): Promise<void> {
    const open = { circuit: { $exists: true } };
    const stays = { ...open, 'policy.fifo': { $ne: null } };
    if (await this.#change(endpoint, stays, { $unset: { circuit: '' } })) return;
    await this.#change(endpoint, open, { $unset: { circuit: '' }, $set: { lane: null } });
  }

  /** Endpoints whose breaker is not closed. */
  async withOpenCircuit(limit: number): Promise<EndpointRow[]> {
    const rows = await this.models.endpoints.collection
      .find({ 'circuit.state': { $exists: true }, deletedAt: null })
      .limit(limit)
      .toArray();
    return rows as unknown as EndpointRow[];
  }

  async find(id: string): Promise<EndpointRow | null> {
    return (await this.models.endpoints.collection.findOne({
      _id: id as never,
    })) as unknown as EndpointRow | null;
  }

  #change({ _id, app }: Ref, filter: object, update: object): Promise<boolean> {
    return announced(this.applications, { _id, app }, async () => {
      const { modifiedCount } = await this.models.endpoints.collection.updateOne(
        { _id: _id as never, ...filter },
        { ...update, $inc: { rev: 1 } },
        { writeConcern: DURABLE },
      );
      return modifiedCount === 1;
    });
  }
}
