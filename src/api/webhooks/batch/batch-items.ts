import type { FastifyRequest } from 'fastify';
import { batchItemIn } from '../../../contracts/webhooks/message-batch.js';
import type { BatchIn, BatchItemIn } from '../../../contracts/webhooks/message-batch.js';
import { scanJsonArray } from '../../../domain/json-scan.js';
import { membersOf, readJson, receivedBody } from '../../../platform/http/json-body.js';
import { validationProblem } from '../../../platform/http/validation.js';
import { payloadBytes } from '../message-outcome.js';

/** A checked item of a batch with its bytes as received. */
export interface BatchItem {
  input: BatchItemIn;
  bytes: Buffer;
  payload: Buffer;
}

/** The items of a batch one by one; a reader throws a ProblemError where its item is not a message. */
export function batchItems(request: FastifyRequest, body: BatchIn, limit: number): (() => BatchItem)[] {
  return body.items.every(Buffer.isBuffer)
    ? body.items.map((line) => () => itemOf(line, readJson(line), limit))
    : arrayItems(request).map(
        (bytes, i) => () => itemOf(bytes, { value: body.items[i], members: membersOf(bytes) }, limit),
      );
}

function arrayItems(request: FastifyRequest): Buffer[] {
  const received = receivedBody(request);
  const range = received?.members?.find((member) => member.key === 'items');
  if (received === undefined || range === undefined) throw new Error('the checked body has no items');
  const list = received.bytes.subarray(range.start, range.end);
  return (scanJsonArray(list) ?? []).map(({ start, end }) => list.subarray(start, end));
}

function itemOf(bytes: Buffer, { value, members }: ReturnType<typeof readJson>, limit: number): BatchItem {
  const parsed = batchItemIn.safeParse(value);
  if (!parsed.success) throw validationProblem(parsed.error.issues, 'body');
  return { input: parsed.data, bytes, payload: payloadBytes(bytes, members, limit) };
}
