import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { applicationPolicyIn, applicationPolicyOut } from '../../contracts/webhooks/endpoint-policy.js';
import type { ApplicationPolicyIn, ApplicationPolicyOut } from '../../contracts/webhooks/endpoint-policy.js';
import { reference } from '../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { ApplicationRepository } from '../../store/webhooks/application.repository.js';
import { ApplicationAccess } from './application-access.js';

@ApiTags('Application')
@Controller('api/v1/app/:app_id/policy')
export class ApplicationPolicyController {
  constructor(
    private readonly access: ApplicationAccess,
    private readonly applications: ApplicationRepository,
  ) {}

  @Get()
  @Requires('applications:read')
  @ApiResponse({ status: 200, standardSchema: applicationPolicyOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
  ): Promise<ApplicationPolicyOut> {
    return { retrySchedule: (await this.access.application(caller, app)).retrySchedule ?? null };
  }

  @Put()
  @Requires('applications:write')
  @ApiResponse({ status: 200, standardSchema: applicationPolicyOut })
  async put(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: applicationPolicyIn }) body: ApplicationPolicyIn,
  ): Promise<ApplicationPolicyOut> {
    const { _id: id } = await this.access.application(caller, app);
    const retrySchedule = body.retrySchedule ?? null;
    await this.applications.setRetrySchedule(id, retrySchedule);
    return { retrySchedule };
  }
}
