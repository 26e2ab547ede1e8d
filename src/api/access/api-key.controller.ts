import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { apiKeyIn, apiKeyList, createdApiKeyOut } from '../../contracts/access/api-key.js';
import type { ApiKeyIn } from '../../contracts/access/api-key.js';
import { reference } from '../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { KeepsOwnIdempotency } from '../../platform/http/idempotency.interceptor.js';
import { ApiKeyService } from './api-key.service.js';

@ApiTags('API key')
@Controller('api/v1/keys')
export class ApiKeyController {
  constructor(private readonly keys: ApiKeyService) {}

  // The answer holds the token, which must not be stored: so a repeated request makes another key.
  @Post()
  @Requires('keys:write')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 201, standardSchema: createdApiKeyOut })
  async create(
    @Caller() caller: Principal,
    @Body({ schema: apiKeyIn }) body: ApiKeyIn,
  ): Promise<z.infer<typeof createdApiKeyOut>> {
    const { key, token } = await this.keys.create(caller, body);
    return { ...key, token };
  }

  @Get()
  @Requires('keys:read')
  @ApiResponse({ status: 200, standardSchema: apiKeyList })
  async list(@Caller() caller: Principal): Promise<z.infer<typeof apiKeyList>> {
    return { data: await this.keys.list(caller) };
  }

  @Delete(':key_id')
  @HttpCode(204)
  @Requires('keys:write')
  revoke(@Caller() caller: Principal, @Param('key_id', { schema: reference }) id: string): Promise<void> {
    return this.keys.revoke(caller, id);
  }
}
