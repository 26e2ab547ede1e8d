import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { CATALOGUE_VERSION, EVENT_CATALOGUE } from '../../../contracts/webhooks/event-catalogue.js';
import type {
  EventTypeIn,
  EventTypePatch,
  EventTypeSchemas,
  EventTypeUpsert,
} from '../../../contracts/webhooks/event-type.js';
import { schemaFaults } from '../../../domain/webhooks/event-schema/event-schema.js';
import { bodyFault, notFound, ProblemError } from '../../../platform/errors.js';
import { isDuplicateKey } from '../../../store/duplicate-key.js';
import { EventTypeRepository } from '../../../store/webhooks/event-type/event-type.repository.js';
import type { EventTypeMembers } from '../../../store/webhooks/event-type/event-type.repository.js';
import type { EventTypeRow } from '../../../store/webhooks/event-type/event-type.schema.js';

const MAX_EVENT_TYPES = 10_000;

/** Checks that need the store or the schemas themselves, then writes event types. */
@Injectable()
export class EventTypeWriter implements OnApplicationBootstrap {
  constructor(private readonly types: EventTypeRepository) {}

  /** Registers the catalogue at the first start. */
  async onApplicationBootstrap(): Promise<void> {
    const now = new Date();
    const rows = EVENT_CATALOGUE.map(({ name, groupName, description, schema }): EventTypeRow => {
      const members = membersOf({
        description,
        groupName,
        schemas: { 1: schema },
        archived: false,
        deprecated: false,
      });
      return { _id: name, ...members, rev: now.getTime(), createdAt: now, updatedAt: now };
    });
    await this.types.register(CATALOGUE_VERSION, rows);
  }

  async get(name: string): Promise<EventTypeRow> {
    const row = await this.types.find(name);
    if (row === null) throw notFound('event type');
    return row;
  }

  /**
   * An archived type of the same name is revived.
   * @param by names the request: repeated after a crash, it gets what it made
   * @throws ProblemError `conflict` when one is in use
   */
  async create({ name, ...input }: EventTypeIn, by: string): Promise<EventTypeRow> {
    checkSchemas(input.schemas);
    const members = { ...membersOf(input), by };
    const revived = await this.types.update(name, members, { archived: true });
    return revived ?? this.#insert(name, members);
  }

  async put(name: string, input: EventTypeUpsert): Promise<{ row: EventTypeRow; created: boolean }> {
    checkSchemas(input.schemas);
    const { retrySchedule: _, ...members } = membersOf(input);
    const row = await this.types.update(name, members);
    if (row !== null) return { row, created: false };
    return { row: await this.#insert(name, membersOf(input)), created: true };
  }

  async patch(name: string, patch: EventTypePatch): Promise<EventTypeRow> {
    checkSchemas(patch.schemas);
    const { schemas, ...rest } = patch;
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    return this.#update(name, { ...given, ...(schemas === undefined ? {} : { schemas: textOf(schemas) }) });
  }

  setRetrySchedule(name: string, retrySchedule: number[] | null): Promise<EventTypeRow> {
    return this.#update(name, { retrySchedule });
  }

  /** @throws ProblemError `in_use` for an expunge while an endpoint names the type */
  async delete(name: string, expunge: boolean): Promise<void> {
    if (!expunge) return void (await this.#update(name, { archived: true }));
    await this.get(name);
    if (await this.types.isInUse(name)) {
      const detail = `An endpoint filters by "${name}". Archive the event type, or change the endpoint first.`;
      throw new ProblemError('in_use', detail);
    }
    await this.types.delete(name);
  }

  async #update(name: string, members: Partial<EventTypeMembers>): Promise<EventTypeRow> {
    const row = await this.types.update(name, members);
    if (row === null) throw notFound('event type');
    return row;
  }

  async #insert(name: string, members: EventTypeMembers): Promise<EventTypeRow> {
    if ((await this.types.count()) >= MAX_EVENT_TYPES) {
      throw new ProblemError('limit_reached', `There can be at most ${MAX_EVENT_TYPES} event types.`);
    }
    return this.types.insert(name, members).catch(async (error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
      const existing = await this.types.find(name);
      if (existing !== null && existing.by === members.by && members.by !== undefined) return existing;
      throw new ProblemError('conflict', `There is an event type "${name}" already.`);
    });
  }
}

/**
 * @param within the place of `schemas` in the body
 * @throws ProblemError that names every fault of every version by its place
 */
export function checkSchemas(schemas: EventTypeSchemas | null | undefined, within: string[] = []): void {
  const errors = Object.entries(schemas ?? {}).flatMap(([version, schema]) =>
    schemaFaults(schema).map(({ path, message }) =>
      bodyFault([...within, 'schemas', version, ...path], message, 'schema_error'),
    ),
  );
  if (errors.length === 0) return;
  const detail = errors.map((fault) => `${fault.loc.slice(1).join('.')}: ${fault.msg}`).join('; ');
  throw new ProblemError('validation', detail, { errors });
}

const textOf = (schemas: EventTypeSchemas | null | undefined) =>
  schemas == null || Object.keys(schemas).length === 0 ? null : JSON.stringify(schemas);

const membersOf = (input: EventTypeUpsert): EventTypeMembers => ({
  description: input.description,
  archived: input.archived,
  deprecated: input.deprecated,
  schemas: textOf(input.schemas),
  groupName: input.groupName ?? null,
  featureFlags: input.featureFlags ?? null,
  retrySchedule: null,
});
