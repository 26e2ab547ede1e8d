import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../../contracts/webhooks/page.js';
import type { PollingEndpointIn } from '../../../contracts/webhooks/poller.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { notFound, ProblemError } from '../../../platform/errors.js';
import { newId } from '../../../platform/ids.js';
import { ApiKeyRepository } from '../../../store/access/api-key.repository.js';
import { PollerRepository } from '../../../store/webhooks/poller/poller.repository.js';
import type { PollerRow } from '../../../store/webhooks/poller/poller.schema.js';
import { ApplicationAccess } from '../application-access.js';
import { EndpointWriter } from '../endpoint-writer.js';
import { uidTaken } from '../uid-taken.js';

const MAX_POLLERS = 1_000;

/** Makes, changes and finds polling endpoints, for callers who may see them. */
@Injectable()
export class PollingEndpoints {
  constructor(
    private readonly pollers: PollerRepository,
    private readonly keys: ApiKeyRepository,
    private readonly access: ApplicationAccess,
    private readonly writer: EndpointWriter,
  ) {}

  async create(caller: Principal, app: string, input: PollingEndpointIn, id = newId('poll')) {
    const application = await this.access.application(caller, app);
    await this.writer.checkEventTypes(application._id, input.eventTypes, null);
    if ((await this.pollers.count(application._id)) >= MAX_POLLERS) {
      throw new ProblemError('limit_reached', `An application has at most ${MAX_POLLERS} polling endpoints.`);
    }
    return this.pollers.insert(application._id, input, id).catch(uidTaken('a polling endpoint', input.uid));
  }

  async list(caller: Principal, app: string, request: PageRequest): Promise<Page<PollerRow>> {
    return this.pollers.list((await this.access.application(caller, app))._id, request);
  }

  /** A token made for one polling endpoint finds no other. */
  async find(caller: Principal, app: string, reference: string): Promise<PollerRow> {
    const application = await this.access.application(caller, app);
    const row = await this.pollers.find(application._id, reference);
    if (row === null || (caller.poller ?? row._id) !== row._id) throw notFound('polling endpoint');
    return row;
  }

  async put(caller: Principal, app: string, reference: string, input: PollingEndpointIn): Promise<PollerRow> {
    const row = await this.find(caller, app, reference);
    await this.writer.checkEventTypes(row.app, input.eventTypes, row.eventTypes);
    const changed = await this.pollers.replace(row, input).catch(uidTaken('a polling endpoint', input.uid));
    if (changed === null) throw notFound('polling endpoint');
    return changed;
  }

  /** Its tokens end with it. */
  async delete(caller: Principal, app: string, reference: string): Promise<void> {
    const row = await this.find(caller, app, reference);
    await this.pollers.delete(row);
    if (row.token !== null) await this.keys.revoke(row.token.key, null, new Date());
  }
}
