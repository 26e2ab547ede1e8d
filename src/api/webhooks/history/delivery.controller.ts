import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  deliveryHistoryOut,
  deliveryListQuery,
  deliveryOut,
  endpointMessageOut,
  endpointMessagesQuery,
  messageEndpointOut,
  messageEndpointsQuery,
  troubledListQuery,
} from '../../../contracts/webhooks/delivery-list.js';
import type {
  DeliveryHistoryOut,
  DeliveryListQuery,
  DeliveryOut,
  EndpointMessageOut,
  EndpointMessagesQuery,
  MessageEndpointOut,
  TroubledListQuery,
} from '../../../contracts/webhooks/delivery-list.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { listOf } from '../../../contracts/webhooks/page.js';
import type { Page, PageRequest } from '../../../contracts/webhooks/page.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { DeliveryReader } from './delivery-reader.js';

@ApiTags('Delivery')
@Controller('api/v1')
export class DeliveryController {
  constructor(private readonly reader: DeliveryReader) {}

  @Get('delivery')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: listOf(deliveryOut) })
  async troubled(
    @Caller() caller: Principal,
    @Query({ schema: troubledListQuery }) query: TroubledListQuery,
  ): Promise<Page<DeliveryOut>> {
    return this.reader.troubled(caller, query);
  }

  @Get('app/:app_id/delivery')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: listOf(deliveryOut) })
  async list(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Query({ schema: deliveryListQuery }) query: DeliveryListQuery,
  ): Promise<Page<DeliveryOut>> {
    return this.reader.ofApplication(caller, app, query);
  }

  @Get('app/:app_id/delivery/:delivery_id')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: deliveryHistoryOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('delivery_id', { schema: reference }) delivery: string,
  ): Promise<DeliveryHistoryOut> {
    return this.reader.one(caller, app, delivery);
  }

  @Get('app/:app_id/endpoint/:endpoint_id/msg')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: listOf(endpointMessageOut) })
  async messages(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Query({ schema: endpointMessagesQuery }) query: EndpointMessagesQuery,
  ): Promise<Page<EndpointMessageOut>> {
    return this.reader.messagesOf(caller, app, endpoint, query);
  }

  @Get('app/:app_id/msg/:msg_id/endpoint')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: listOf(messageEndpointOut) })
  async endpoints(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Query({ schema: messageEndpointsQuery }) query: PageRequest,
  ): Promise<Page<MessageEndpointOut>> {
    return this.reader.endpointsOf(caller, app, msg, query);
  }
}
