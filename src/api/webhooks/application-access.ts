import { Injectable } from '@nestjs/common';
import { OPERATIONAL_APP } from '../../contracts/webhooks/operational-event.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { notFound, ProblemError } from '../../platform/errors.js';
import { ApplicationCache } from '../../store/webhooks/application-cache.js';
import { ApplicationRepository } from '../../store/webhooks/application.repository.js';
import type { ApplicationRow } from '../../store/webhooks/application.schema.js';
import { EndpointRepository } from '../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';

/** Finds what a path names, for callers who may see it. A foreign application answers as an unknown one. */
@Injectable()
export class ApplicationAccess {
  constructor(
    private readonly applications: ApplicationRepository,
    private readonly endpoints: EndpointRepository,
    private readonly cache: ApplicationCache,
  ) {}

  async application(caller: Principal, reference: string): Promise<ApplicationRow> {
    const row = await this.applications.find(reference);
    if (row === null || !maySee(caller, row._id)) throw notFound('application');
    return row;
  }

  /** The id of the application, from memory where it is fresh: for the accept path, which proves it again. */
  async applicationId(caller: Principal, reference: string): Promise<string | null> {
    const entry = await this.cache.get(reference);
    if (entry === null) return null;
    if (!maySee(caller, entry.id)) throw notFound('application');
    return entry.id;
  }

  async endpoint(caller: Principal, app: string, endpoint: string): Promise<EndpointRow> {
    const application = await this.application(caller, app);
    const row = await this.endpoints.find(application._id, endpoint);
    if (row === null) throw notFound('endpoint');
    return row;
  }

  /** As `application`, for callers who want to remove content. @throws ProblemError under legal hold */
  async erasable(caller: Principal, reference: string): Promise<ApplicationRow> {
    const row = await this.application(caller, reference);
    if (row.retention?.legalHold !== true) return row;
    throw new ProblemError('legal_hold', 'Nothing of this application may be removed until the hold ends.');
  }

  /** @throws ProblemError for keys that are bound to one application */
  requireAll(caller: Principal, what: string): void {
    if (caller.app === null) return;
    throw new ProblemError('insufficient_access', `A key that is bound to one application may not ${what}.`);
  }
}

const maySee = (caller: Principal, id: string) =>
  id !== OPERATIONAL_APP && (caller.app === null || caller.app === id);
