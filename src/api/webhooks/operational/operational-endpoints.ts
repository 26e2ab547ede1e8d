import { Injectable } from '@nestjs/common';
import { OPERATIONAL_APP } from '../../../contracts/webhooks/operational-event.js';
import type {
  OperationalEndpointIn,
  OperationalEndpointUpdate,
} from '../../../contracts/webhooks/operational-event.js';
import type { Page, PageRequest } from '../../../contracts/webhooks/page.js';
import { notFound } from '../../../platform/errors.js';
import { ApplicationRepository } from '../../../store/webhooks/application.repository.js';
import { EndpointRepository } from '../../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import { makeOperationalApplication } from '../../../store/webhooks/operational/operational-application.js';
import { EndpointWriter } from '../endpoint-writer.js';

/** Endpoints of the application that no caller can name; it is made with its first endpoint or event. */
@Injectable()
export class OperationalEndpoints {
  constructor(
    private readonly applications: ApplicationRepository,
    private readonly endpoints: EndpointRepository,
    private readonly writer: EndpointWriter,
  ) {}

  async create(input: OperationalEndpointIn, id?: string): Promise<EndpointRow> {
    await makeOperationalApplication(this.applications);
    return this.writer.create(OPERATIONAL_APP, input, id);
  }

  async put(
    reference: string,
    input: OperationalEndpointUpdate,
  ): Promise<{ row: EndpointRow; created: boolean }> {
    await makeOperationalApplication(this.applications);
    return this.writer.put(OPERATIONAL_APP, reference, input);
  }

  list(request: PageRequest & { order: 'ascending' | 'descending' }): Promise<Page<EndpointRow>> {
    return this.writer.list(OPERATIONAL_APP, request);
  }

  async find(reference: string): Promise<EndpointRow> {
    const row = await this.endpoints.find(OPERATIONAL_APP, reference);
    if (row === null) throw notFound('operational endpoint');
    return row;
  }
}
