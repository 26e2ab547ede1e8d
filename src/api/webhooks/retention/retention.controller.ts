import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { reference } from '../../../contracts/webhooks/names.js';
import { applicationRetentionIn, applicationRetentionOut } from '../../../contracts/webhooks/retention.js';
import type { ApplicationRetention, ApplicationRetentionIn } from '../../../contracts/webhooks/retention.js';
import { AllApplications, Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { ApplicationRepository } from '../../../store/webhooks/application.repository.js';
import { ApplicationAccess } from '../application-access.js';

const ENVIRONMENT: ApplicationRetention = {
  payloadDays: null,
  attemptDays: null,
  rowDays: null,
  legalHold: false,
};

/** How long an application's data is kept, and legal hold. Not for the keys of its customer. */
@ApiTags('Application')
@Controller('api/v1/app/:app_id/retention')
export class RetentionController {
  constructor(
    private readonly access: ApplicationAccess,
    private readonly applications: ApplicationRepository,
  ) {}

  @Get()
  @Requires('applications:read')
  @ApiResponse({ status: 200, standardSchema: applicationRetentionOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
  ): Promise<ApplicationRetention> {
    return (await this.access.application(caller, app)).retention ?? ENVIRONMENT;
  }

  @Put()
  @Requires('applications:write')
  @AllApplications()
  @ApiResponse({ status: 200, standardSchema: applicationRetentionOut })
  async put(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: applicationRetentionIn }) body: ApplicationRetentionIn,
  ): Promise<ApplicationRetention> {
    const { payloadDays = null, attemptDays = null, rowDays = null, legalHold } = body;
    const retention = { payloadDays, attemptDays, rowDays, legalHold };
    await this.applications.setRetention((await this.access.application(caller, app))._id, retention);
    return retention;
  }
}
