import { addedHeaders } from '../../contracts/webhooks/request-header.js';
import { ExpressionError } from '../../platform/expression/expression-sandbox.js';
import type { ExpressionSandbox } from '../../platform/expression/expression-sandbox.js';
import type { ReadyDelivery } from './ready-delivery.js';

/** What one try sends: the payload as it was accepted, or what the endpoint's transformation makes of it. */
export type TransformedRequest = UnfailedRequest | { fault: string; body: Uint8Array };
export interface UnfailedRequest {
  body: Uint8Array;
  headers: Record<string, string>;
}

const NONE = {};

export async function transformedRequest(
  { row, endpoint, body }: ReadyDelivery,
  sandbox: ExpressionSandbox,
): Promise<TransformedRequest> {
  const { transformation } = endpoint.row;
  if (transformation == null || !transformation.enabled || transformation.code === null) {
    return { body, headers: NONE };
  }
  const { type: eventType, channels, msg: messageId } = row;
  try {
    const input = Buffer.from(body).toString('utf8');
    const given = { eventType, channels, messageId };
    const result = await sandbox.run(row.ep, transformation.code, input, given);
    const added = addedHeaders(result.headers);
    return 'fault' in added ? { ...added, body } : { ...added, body: Buffer.from(result.body) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { message, position } = error;
    return { fault: position === null ? message : `${message} (character ${position})`, body };
  }
}
