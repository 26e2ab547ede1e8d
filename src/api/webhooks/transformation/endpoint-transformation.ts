import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { addedHeaders } from '../../../contracts/webhooks/request-header.js';
import type {
  SimulateIn,
  SimulateOut,
  TransformationOut,
  TransformationPatch,
} from '../../../contracts/webhooks/transformation.js';
import type { Config } from '../../../platform/config.js';
import { invalidMember, ProblemError } from '../../../platform/errors.js';
import { ExpressionError, ExpressionSandbox } from '../../../platform/expression/expression-sandbox.js';
import { CONFIG } from '../../../platform/platform.module.js';
import { EndpointRepository } from '../../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';

/** What an endpoint makes of payloads: written once it is known to be an expression, and tried without sending. */
@Injectable()
export class EndpointTransformation implements OnApplicationShutdown {
  readonly #sandbox: ExpressionSandbox;

  constructor(
    private readonly endpoints: EndpointRepository,
    @Inject(CONFIG) config: Config,
  ) {
    this.#sandbox = new ExpressionSandbox(config.WEBHOOK_MAX_PAYLOAD_BYTES);
  }

  view({ transformation }: EndpointRow): TransformationOut {
    const { code = null, enabled = false, updatedAt } = transformation ?? {};
    return { code, enabled, updatedAt: updatedAt?.toISOString() ?? null };
  }

  async patch(row: EndpointRow, { code: given, enabled }: TransformationPatch): Promise<void> {
    const code = given === undefined ? (row.transformation?.code ?? null) : given;
    if (given != null) await this.#sandbox.check(row._id, given).catch(wrongCode);
    const wanted = enabled ?? row.transformation?.enabled ?? false;
    if (wanted && code === null) throw invalidMember(['enabled'], 'there is no code to enable; send it too');
    const transformation = { code, enabled: wanted, updatedAt: new Date() };
    const changed = await this.endpoints.setTransformation(row, transformation);
    if (changed === null)
      throw new ProblemError('conflict', 'The endpoint was changed meanwhile; try again.');
  }

  async simulate(row: EndpointRow, { code, eventType, channels, payload }: SimulateIn): Promise<SimulateOut> {
    const given = { eventType, channels: channels ?? null, messageId: null };
    const run = this.#sandbox.run(row._id, code, JSON.stringify(payload), given);
    const result = await run.catch(wrongCode);
    const added = addedHeaders(result.headers);
    if ('fault' in added) throw invalidMember(['code'], added.fault);
    return { url: row.url, method: 'POST', payload: result.body, headers: added.headers, cancel: false };
  }

  onApplicationShutdown(): Promise<void> {
    return this.#sandbox.close();
  }
}

function wrongCode(error: unknown): never {
  if (!(error instanceof ExpressionError)) throw error;
  const { message, position } = error;
  throw invalidMember(
    ['code'],
    position === null ? message : `${message} (character ${position})`,
    'expression',
  );
}
