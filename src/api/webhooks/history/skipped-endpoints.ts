import { Injectable } from '@nestjs/common';
import type { Page } from '../../../contracts/webhooks/page.js';
import type {
  SkippedEndpointOut,
  SkippedEndpointsQuery,
} from '../../../contracts/webhooks/skipped-endpoint.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { notFound } from '../../../platform/errors.js';
import { mapPage } from '../../../store/page.js';
import { SkippedEndpointRepository } from '../../../store/webhooks/lists/skipped-endpoint.repository.js';
import { MessageRepository } from '../../../store/webhooks/message.repository.js';
import { ApplicationAccess } from '../application-access.js';

/** Endpoints that a message was not meant for, for callers who may see it. */
@Injectable()
export class SkippedEndpoints {
  constructor(
    private readonly skipped: SkippedEndpointRepository,
    private readonly messages: MessageRepository,
    private readonly access: ApplicationAccess,
  ) {}

  async ofMessage(
    caller: Principal,
    app: string,
    msg: string,
    query: SkippedEndpointsQuery,
  ): Promise<Page<SkippedEndpointOut>> {
    const { _id } = await this.access.application(caller, app);
    const message = await this.messages.find(_id, msg);
    if (message === null) throw notFound('message');
    const { endpoint_id: named } = query;
    const only = named === undefined ? null : (await this.access.endpoint(caller, _id, named))._id;
    return mapPage(await this.skipped.ofMessage(message, only, query), ({ _id: id, uid, why }) => ({
      endpointId: id,
      ...(uid === null ? {} : { endpointUid: uid }),
      reason: why,
    }));
  }
}
