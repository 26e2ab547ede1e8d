import { Injectable } from '@nestjs/common';
import type {
  DeliveryHistoryOut,
  DeliveryListQuery,
  DeliveryOut,
  EndpointMessageOut,
  EndpointMessagesQuery,
  MessageEndpointOut,
} from '../../../contracts/webhooks/delivery-list.js';
import type { Page, PageRequest } from '../../../contracts/webhooks/page.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { notFound } from '../../../platform/errors.js';
import { deliveryId } from '../../../platform/ids.js';
import { mapPage } from '../../../store/page.js';
import type { DeliveryRow } from '../../../store/webhooks/delivery.schema.js';
import { EndpointRepository } from '../../../store/webhooks/endpoint.repository.js';
import { AttemptListRepository } from '../../../store/webhooks/lists/attempt-list.repository.js';
import { DeliveryListRepository } from '../../../store/webhooks/lists/delivery-list.repository.js';
import { MessageRepository } from '../../../store/webhooks/message.repository.js';
import type { MessageRow } from '../../../store/webhooks/message.schema.js';
import { ApplicationAccess } from '../application-access.js';
import { deliveryTryView, deliveryView, endpointMessageView, messageEndpointView } from './delivery.view.js';

/** Tries shown in the history of a delivery at most. */
const MAX_HISTORY = 250;

/** Deliveries as paths name them, for callers who may see them. */
@Injectable()
export class DeliveryReader {
  constructor(
    private readonly deliveries: DeliveryListRepository,
    private readonly attempts: AttemptListRepository,
    private readonly messages: MessageRepository,
    private readonly endpoints: EndpointRepository,
    private readonly access: ApplicationAccess,
  ) {}

  async ofApplication(caller: Principal, app: string, query: DeliveryListQuery): Promise<Page<DeliveryOut>> {
    const application = await this.access.application(caller, app);
    const ep =
      query.endpoint_id === undefined
        ? null
        : (await this.access.endpoint(caller, application._id, query.endpoint_id))._id;
    return mapPage(await this.deliveries.ofApplication(application._id, ep, query), deliveryView);
  }

  async troubled(caller: Principal, query: DeliveryListQuery): Promise<Page<DeliveryOut>> {
    this.access.requireAll(caller, 'list the deliveries of all applications');
    return mapPage(await this.deliveries.troubled(query), deliveryView);
  }

  async one(caller: Principal, app: string, id: string): Promise<DeliveryHistoryOut> {
    const application = await this.access.application(caller, app);
    const row = await this.deliveries.find(application._id, id);
    if (row === null) throw notFound('delivery');
    const tries = await this.attempts.ofDelivery(row._id, MAX_HISTORY);
    return { ...deliveryView(row), history: tries.map(deliveryTryView) };
  }

  /** The messages meant for an endpoint. The pages are read from deliveries, whose ids follow from the messages'. */
  async messagesOf(caller: Principal, app: string, endpoint: string, query: EndpointMessagesQuery) {
    const { _id } = await this.access.endpoint(caller, app, endpoint);
    const iterator = query.iterator?.replace(/msg_\w+$/, (id) => deliveryId(id, _id));
    const page = await this.deliveries.ofEndpoint(_id, {
      ...query,
      ...(iterator === undefined ? {} : { iterator }),
    });
    const rows = page.data;
    const messages = new Map(
      (await this.messages.findMany(idsOf(rows), query.with_content)).map((row) => [row._id, row]),
    );
    return { ...namedByMessage(page), data: rows.flatMap((row) => shown(row, messages, query.with_content)) };
  }

  async endpointsOf(
    caller: Principal,
    app: string,
    msg: string,
    request: PageRequest,
  ): Promise<Page<MessageEndpointOut>> {
    const application = await this.access.application(caller, app);
    const message = await this.messages.find(application._id, msg);
    if (message === null) throw notFound('message');
    const page = await this.deliveries.ofMessage(message._id, request);
    const endpoints = await this.endpoints.findMany(page.data.map((row) => row.ep));
    const byId = new Map(endpoints.map((row) => [row._id, row]));
    const data = page.data.flatMap((row) => {
      const endpoint = byId.get(row.ep);
      return endpoint === undefined ? [] : [messageEndpointView(row, endpoint)];
    });
    return { ...page, data };
  }
}

const idsOf = (rows: readonly DeliveryRow[]) => [...new Set(rows.map((row) => row.msg))];

function shown(
  row: DeliveryRow,
  messages: Map<string, MessageRow>,
  withContent: boolean,
): EndpointMessageOut[] {
  const message = messages.get(row.msg);
  return message === undefined ? [] : [endpointMessageView(row, message, withContent)];
}

/** Iterators by message, as the rows show it; where reading stopped between two rows it stays the delivery's. */
function namedByMessage({ data, iterator, prevIterator, done }: Page<DeliveryRow>) {
  const named = (text: string | null) => {
    const row = data.find(({ _id }) => text?.endsWith(_id));
    return row === undefined || text === null ? text : text.replace(row._id, row.msg);
  };
  return { iterator: named(iterator), prevIterator: named(prevIterator), done };
}
