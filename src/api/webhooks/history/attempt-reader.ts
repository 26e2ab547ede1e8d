import { Injectable } from '@nestjs/common';
import type { AttemptListQuery, AttemptOut } from '../../../contracts/webhooks/attempt.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { notFound } from '../../../platform/errors.js';
import { deliveryId } from '../../../platform/ids.js';
import type { AttemptRow } from '../../../store/webhooks/attempt.schema.js';
import { EndpointRepository } from '../../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import { AttemptListRepository } from '../../../store/webhooks/lists/attempt-list.repository.js';
import type { AttemptScope } from '../../../store/webhooks/lists/attempt-list.repository.js';
import { MessageRepository } from '../../../store/webhooks/message.repository.js';
import type { MessageRow } from '../../../store/webhooks/message.schema.js';
import { ApplicationAccess } from '../application-access.js';
import { attemptView } from './attempt.view.js';

/** Attempts as paths name them, for callers who may see them. */
@Injectable()
export class AttemptReader {
  constructor(
    private readonly attempts: AttemptListRepository,
    private readonly messages: MessageRepository,
    private readonly endpoints: EndpointRepository,
    private readonly access: ApplicationAccess,
  ) {}

  async ofEndpoint(caller: Principal, app: string, endpoint: string, query: AttemptListQuery) {
    const row = await this.access.endpoint(caller, app, endpoint);
    return this.#page({ ep: row._id }, query);
  }

  async ofMessage(caller: Principal, app: string, msg: string, query: AttemptListQuery) {
    const message = await this.message(caller, app, msg);
    if (query.endpoint_id === undefined) return this.#page({ msg: message._id }, query);
    const endpoint = await this.endpoint(message.app, query.endpoint_id);
    return this.#page({ dlv: deliveryId(message._id, endpoint._id) }, query);
  }

  async one(caller: Principal, app: string, msg: string, attempt: string): Promise<AttemptRow> {
    const message = await this.message(caller, app, msg);
    const row = await this.attempts.find(message._id, attempt);
    if (row === null) throw notFound('attempt');
    return row;
  }

  async message(caller: Principal, app: string, msg: string): Promise<MessageRow> {
    const application = await this.access.application(caller, app);
    const message = await this.messages.find(application._id, msg);
    if (message === null) throw notFound('message');
    return message;
  }

  async endpoint(app: string, endpoint: string): Promise<EndpointRow> {
    const row = await this.endpoints.find(app, endpoint);
    if (row === null) throw notFound('endpoint');
    return row;
  }

  async #page(scope: AttemptScope, query: AttemptListQuery): Promise<Page<AttemptOut>> {
    const page = await this.attempts.list(scope, query);
    const ids = query.with_msg ? [...new Set(page.data.map((row) => row.msg))] : [];
    const messages = ids.length === 0 ? [] : await this.messages.findMany(ids, query.with_content);
    const byId = new Map(messages.map((message) => [message._id, message]));
    return { ...page, data: page.data.map((row) => attemptView(row, query.with_content, byId.get(row.msg))) };
  }
}
