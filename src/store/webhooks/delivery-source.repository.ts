import type { TellingRow } from '../../domain/webhooks/told-changes.js';
import type { EndpointRow } from './endpoint.schema.js';
import type { WebhookModels } from './webhook-models.js';

/** What a delivery needs beside its own row: the payload and the endpoint. */
export class DeliverySourceRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Payloads by message id, byte for byte; null when it was expunged. Messages that are gone are left out. */
  async bodies(messageIds: readonly string[]): Promise<Map<string, Buffer | null>> {
    const rows = await this.models.messages.collection
      .find({ _id: { $in: messageIds as never[] } }, { projection: { body: 1 }, promoteBuffers: true })
      .batchSize(messageIds.length)
      .toArray();
    return new Map(rows.map((row) => [String(row._id), row['body'] as Buffer | null]));
  }

  /** The current revision of each endpoint; deleted rows are left out. */
  async endpointRevisions(ids: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.models.endpoints.collection
      .find({ _id: { $in: ids as never[] } }, { projection: { rev: 1 } })
      .toArray();
    return new Map(rows.map((row) => [String(row._id), row['rev'] as number]));
  }

  /** What applications tell of changes of their endpoints. */
  async tellingApplications(ids: readonly string[]): Promise<Map<string, TellingRow>> {
    const rows = await this.models.applications.collection
      .find({ _id: { $in: ids as never[] } }, { projection: { rev: 1, changes: 1 } })
      .toArray();
    return new Map(rows.map((row) => [String(row._id), row as unknown as TellingRow]));
  }

  async endpoints(ids: readonly string[]): Promise<EndpointRow[]> {
    const rows = await this.models.endpoints.collection.find({ _id: { $in: ids as never[] } }).toArray();
    return rows as unknown as EndpointRow[];
  }
}
