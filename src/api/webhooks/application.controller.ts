import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { applicationIn, applicationOut, applicationPatch } from '../../contracts/webhooks/application.js';
import type {
  ApplicationIn,
  ApplicationOut,
  ApplicationPatch,
} from '../../contracts/webhooks/application.js';
import { reference } from '../../contracts/webhooks/names.js';
import { listOf, ordering, pageQuery, queryFlag } from '../../contracts/webhooks/page.js';
import type { Page } from '../../contracts/webhooks/page.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { notFound } from '../../platform/errors.js';
import { creationId } from '../../platform/http/idempotency.interceptor.js';
import { mapPage } from '../../store/page.js';
import { ApplicationRepository } from '../../store/webhooks/application.repository.js';
import { ApplicationAccess } from './application-access.js';
import { applicationView } from './application.view.js';
import { uidTaken } from './uid-taken.js';

const createQuery = z.object({ get_if_exists: queryFlag(false) });
const listQuery = pageQuery('app').extend({ order: ordering.default('ascending') });

@ApiTags('Application')
@Controller('api/v1/app')
export class ApplicationController {
  constructor(
    private readonly applications: ApplicationRepository,
    private readonly access: ApplicationAccess,
  ) {}

  @Post()
  @Requires('applications:write')
  @ApiResponse({ status: 201, standardSchema: applicationOut })
  @ApiResponse({ status: 200, standardSchema: applicationOut })
  async create(
    @Caller() caller: Principal,
    @Body({ schema: applicationIn }) body: ApplicationIn,
    @Query({ schema: createQuery }) query: z.infer<typeof createQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApplicationOut> {
    this.access.requireAll(caller, 'create applications');
    const existing = query.get_if_exists && body.uid ? await this.applications.find(body.uid) : null;
    if (existing !== null) {
      void reply.status(200);
      return applicationView(existing);
    }
    const insert = this.applications.insert(body, creationId(request, 'app'));
    return applicationView(await insert.catch(uidTaken('an application', body.uid)));
  }

  @Get()
  @Requires('applications:read')
  @ApiResponse({ status: 200, standardSchema: listOf(applicationOut) })
  async list(
    @Caller() caller: Principal,
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
  ): Promise<Page<ApplicationOut>> {
    return mapPage(await this.applications.list(query, caller.app), applicationView);
  }

  @Get(':app_id')
  @Requires('applications:read')
  @ApiResponse({ status: 200, standardSchema: applicationOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
  ): Promise<ApplicationOut> {
    return applicationView(await this.access.application(caller, app));
  }

  @Put(':app_id')
  @Requires('applications:write')
  @ApiResponse({ status: 200, standardSchema: applicationOut })
  @ApiResponse({ status: 201, standardSchema: applicationOut })
  async put(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: applicationIn }) body: ApplicationIn,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApplicationOut> {
    const row = await this.applications.find(app);
    if (row === null && caller.app === null && !app.startsWith('app_')) {
      void reply.status(201);
      const insert = this.applications.insert({ ...body, uid: body.uid ?? app });
      return applicationView(await insert.catch(uidTaken('an application', body.uid ?? app)));
    }
    const { _id: id } = await this.access.application(caller, app);
    const { uid = null, throttleRate = null, ...rest } = body;
    return this.#update(id, { ...rest, uid, throttleRate });
  }

  @Patch(':app_id')
  @Requires('applications:write')
  @ApiResponse({ status: 200, standardSchema: applicationOut })
  async patch(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: applicationPatch }) body: ApplicationPatch,
  ): Promise<ApplicationOut> {
    const { _id: id } = await this.access.application(caller, app);
    return this.#update(id, body);
  }

  @Delete(':app_id')
  @HttpCode(204)
  @Requires('applications:write')
  async delete(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
  ): Promise<void> {
    this.access.requireAll(caller, 'delete applications');
    const { _id: id } = await this.access.application(caller, app);
    await this.applications.delete(id);
  }

  async #update(id: string, patch: ApplicationPatch): Promise<ApplicationOut> {
    const row = await this.applications.update(id, patch).catch(uidTaken('an application', patch.uid));
    if (row === null) throw notFound('application');
    return applicationView(row);
  }
}
