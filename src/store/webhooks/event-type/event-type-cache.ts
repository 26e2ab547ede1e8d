import { compileSchema, latestSchema } from '../../../domain/webhooks/event-schema/event-schema.js';
import type { PayloadCheck } from '../../../domain/webhooks/event-schema/event-schema.js';
import type { WebhookModels } from '../webhook-models.js';
import type { EventTypeRow } from './event-type.schema.js';

type Known = { rev: number; check: PayloadCheck | null };

/** What the accept path knows of an event type. */
export interface CurrentEventTypes {
  /** Whether the type is in the catalogue and not archived. */
  has(name: string): boolean;
  /** How its payloads are checked; null when it has no schema. */
  check(name: string): PayloadCheck | null;
}

/**
 * Event types for accepting without reading them each time: all names, and the compiled schemas of those that messages
 * came with. The caller proves the revision against the store in the same flush that stores the messages.
 */
export class EventTypeCache {
  #revision = -1;
  #names = new Map<string, number>();
  readonly #known = new Map<string, Known>();

  constructor(private readonly models: WebhookModels) {}

  /** The types as of a revision, with the schemas of `names` at hand. Reads only what is not known. */
  async asOf(revision: number, names: readonly string[]): Promise<CurrentEventTypes> {
    if (this.#revision !== revision) await this.#loadNames(revision);
    const current = this.#names;
    const missing = names.filter(
      (name) => current.has(name) && this.#known.get(name)?.rev !== current.get(name),
    );
    if (missing.length > 0) await this.#loadSchemas([...new Set(missing)]);
    return {
      has: (name) => current.has(name),
      check: (name) => (current.has(name) ? (this.#known.get(name)?.check ?? null) : null),
    };
  }

  async #loadNames(revision: number): Promise<void> {
    const rows = await this.models.eventTypes
      .find({ archived: false }, { rev: 1 })
      .lean<Pick<EventTypeRow, '_id' | 'rev'>[]>();
    this.#names = new Map(rows.map((row) => [row._id, row.rev]));
    this.#revision = revision;
    for (const name of this.#known.keys()) if (!this.#names.has(name)) this.#known.delete(name);
  }

  async #loadSchemas(names: readonly string[]): Promise<void> {
    const rows = await this.models.eventTypes
      .find({ _id: { $in: names } }, { rev: 1, schemas: 1 })
      .lean<Pick<EventTypeRow, '_id' | 'rev' | 'schemas'>[]>();
    for (const row of rows) this.#known.set(row._id, { rev: row.rev, check: checkOf(row.schemas) });
  }
}

function checkOf(schemas: string | null): PayloadCheck | null {
  if (schemas === null) return null;
  const schema = latestSchema(JSON.parse(schemas) as Parameters<typeof latestSchema>[0]);
  return schema === null ? null : compileSchema(schema);
}
