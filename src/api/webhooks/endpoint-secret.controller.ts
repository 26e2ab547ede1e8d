import { Body, Controller, Get, HttpCode, Param, Patch, Post, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { secretOut, secretRotateIn } from '../../contracts/webhooks/endpoint.js';
import type { SecretRotateIn } from '../../contracts/webhooks/endpoint.js';
import { reference } from '../../contracts/webhooks/names.js';
import {
  endpointHeadersIn,
  endpointHeadersOut,
  endpointHeadersPatch,
  requestHeaders,
} from '../../contracts/webhooks/request-header.js';
import type { EndpointHeadersOut } from '../../contracts/webhooks/request-header.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { invalidMember, ProblemError } from '../../platform/errors.js';
import { EndpointRepository } from '../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import { ApplicationAccess } from './application-access.js';
import { EndpointSecrets } from './endpoint-secrets.js';

/** Signing secret and custom headers of an endpoint. */
@ApiTags('Endpoint')
@Controller('api/v1/app/:app_id/endpoint/:endpoint_id')
export class EndpointSecretController {
  constructor(
    private readonly endpoints: EndpointRepository,
    private readonly secrets: EndpointSecrets,
    private readonly access: ApplicationAccess,
  ) {}

  @Get('secret')
  @Requires('secrets:read')
  @ApiResponse({ status: 200, standardSchema: secretOut })
  async secret(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<z.infer<typeof secretOut>> {
    return { key: this.secrets.current(await this.access.endpoint(caller, app, endpoint)) };
  }

  @Post('secret/rotate')
  @HttpCode(204)
  @Requires('secrets:write')
  async rotate(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: secretRotateIn }) body: SecretRotateIn,
  ): Promise<void> {
    const row = await this.access.endpoint(caller, app, endpoint);
    await this.#replace(row, { keys: this.secrets.rotated(row, body) });
  }

  @Get('headers')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: endpointHeadersOut })
  async headers(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<EndpointHeadersOut> {
    return this.secrets.shownHeaders(await this.access.endpoint(caller, app, endpoint));
  }

  @Put('headers')
  @HttpCode(204)
  @Requires('endpoints:write')
  async putHeaders(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointHeadersIn }) body: z.infer<typeof endpointHeadersIn>,
  ): Promise<void> {
    const row = await this.access.endpoint(caller, app, endpoint);
    await this.#replace(row, { headersEnc: this.secrets.sealHeaders(body.headers) });
  }

  @Patch('headers')
  @HttpCode(204)
  @Requires('endpoints:write')
  async patchHeaders(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointHeadersPatch }) body: z.infer<typeof endpointHeadersPatch>,
  ): Promise<void> {
    const row = await this.access.endpoint(caller, app, endpoint);
    const removed = new Set(body.deleteHeaders);
    const merged = Object.entries({ ...this.secrets.headers(row), ...body.headers }).filter(
      (entry): entry is [string, string] => entry[1] !== null && !removed.has(entry[0]),
    );
    const checked = requestHeaders.safeParse(Object.fromEntries(merged));
    if (!checked.success) throw invalidMember(['headers'], checked.error.issues[0]?.message ?? 'not valid');
    await this.#replace(row, { headersEnc: this.secrets.sealHeaders(checked.data) });
  }

  async #replace(
    row: EndpointRow,
    secrets: Parameters<EndpointRepository['replaceSecrets']>[1],
  ): Promise<void> {
    if ((await this.endpoints.replaceSecrets(row, secrets)) !== null) return;
    throw new ProblemError('conflict', 'The endpoint was changed by another request meanwhile. Try again.');
  }
}
