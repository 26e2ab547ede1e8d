import { Inject, Injectable } from '@nestjs/common';
import type { EndpointIn, EndpointPatch, EndpointUpdate } from '../../contracts/webhooks/endpoint.js';
import type { Page, PageRequest } from '../../contracts/webhooks/page.js';
import { OPERATIONAL_APP } from '../../contracts/webhooks/operational-event.js';
import { judgeEndpointUrl } from '../../domain/webhooks/endpoint-url.js';
import type { Config } from '../../platform/config.js';
import { bodyFault, invalidMember, notFound, ProblemError } from '../../platform/errors.js';
import { CONFIG } from '../../platform/platform.module.js';
import { EndpointRepository } from '../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import { EventTypeRepository } from '../../store/webhooks/event-type/event-type.repository.js';
import { LaneStarts } from './lane-starts.js';
import { EndpointSecrets } from './endpoint-secrets.js';
import { uidTaken } from './uid-taken.js';

const MAX_ENDPOINTS = 10_000;

/** Checks that need settings or the store, then writes endpoints. */
@Injectable()
export class EndpointWriter {
  constructor(
    private readonly endpoints: EndpointRepository,
    private readonly secrets: EndpointSecrets,
    private readonly laneStarts: LaneStarts,
    private readonly eventTypes: EventTypeRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async create(app: string, input: EndpointIn, id?: string): Promise<EndpointRow> {
    this.#checkUrl(input.url);
    await this.checkEventTypes(app, input.eventTypes, null);
    const key = this.secrets.newKey(input.secret ?? null, ['secret']);
    if ((await this.endpoints.count(app)) >= MAX_ENDPOINTS) {
      throw new ProblemError('limit_reached', `An application has at most ${MAX_ENDPOINTS} endpoints.`);
    }
    const headersEnc = this.secrets.sealHeaders(input.headers ?? {});
    return this.endpoints
      .insert(app, { ...input, key, headersEnc }, id)
      .catch(uidTaken('an endpoint', input.uid));
  }

  list(
    app: string,
    request: PageRequest & { order: 'ascending' | 'descending' },
  ): Promise<Page<EndpointRow>> {
    return this.endpoints.list(app, request);
  }

  /** Replaces the endpoint, or creates one whose uid is the reference. */
  async put(
    app: string,
    reference: string,
    input: EndpointUpdate,
  ): Promise<{ row: EndpointRow; created: boolean }> {
    const existing = await this.endpoints.find(app, reference);
    if (existing === null) {
      if (reference.startsWith('ep_')) throw notFound('endpoint');
      const row = await this.create(app, { ...input, uid: input.uid ?? reference });
      return { row, created: true };
    }
    const { uid = null, eventTypes = null, channels = null, throttleRate = null, ...rest } = input;
    return {
      row: await this.patch(existing, { ...rest, uid, eventTypes, channels, throttleRate }),
      created: false,
    };
  }

  async patch(row: EndpointRow, patch: EndpointPatch): Promise<EndpointRow> {
    if (patch.url !== undefined) this.#checkUrl(patch.url);
    await this.checkEventTypes(row.app, patch.eventTypes, row.eventTypes);
    const changed = await this.endpoints.update(row, patch).catch(uidTaken('an endpoint', patch.uid));
    if (changed === null) throw notFound('endpoint');
    // Its lane may have ended while it was disabled, and it may be back where it points to now.
    if (changed.lane != null) await this.laneStarts.ensure(changed);
    return changed;
  }

  delete(row: EndpointRow): Promise<void> {
    return this.endpoints.delete(row);
  }

  /** Each name must be an event type in use; a prefix may be ahead of its types, and what was there may stay. */
  async checkEventTypes(
    app: string,
    wanted: string[] | null | undefined,
    had: string[] | null,
  ): Promise<void> {
    if (app === OPERATIONAL_APP) return; // its types are not in the catalogue, and were checked before
    const names = (wanted ?? []).filter((name) => !name.endsWith('.*') && had?.includes(name) !== true);
    if (names.length === 0) return;
    const existing = await this.eventTypes.existing(names);
    const unknown = names.filter((name) => !existing.has(name));
    if (unknown.length === 0) return;
    const errors = unknown.map((name) => {
      const place = ['eventTypes', wanted?.indexOf(name) ?? 0];
      return bodyFault(place, `there is no event type "${name}"; create it first`, 'unknown_event_type');
    });
    throw new ProblemError('validation', errors.map((fault) => fault.msg).join('; '), { errors });
  }

  #checkUrl(url: string): void {
    const judgement = judgeEndpointUrl(url, {
      allowHttp: this.config.WEBHOOK_ALLOW_HTTP,
      allowCidrs: this.config.WEBHOOK_ALLOW_CIDRS,
      allowPorts: this.config.WEBHOOK_ALLOW_PORTS,
    });
    if (!judgement.ok) throw invalidMember(['url'], judgement.why, 'url');
  }
}
