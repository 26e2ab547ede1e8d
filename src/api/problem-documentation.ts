import type { OpenAPIObject } from '@nestjs/swagger';
import { ERRORS } from '../platform/errors.js';
import type { ErrorCode } from '../platform/errors.js';
import { isSvixSurface } from '../platform/http/problem.filter.js';

const CODES = Object.keys(ERRORS) as ErrorCode[];
/** What any operation that needs a key can answer with. */
const ALWAYS = [400, 401, 403, 404, 422, 503];
/** What only operations that change something answer with. */
const OF_CHANGES = [409, 429];
const OF_BODIES = [413, 415];

interface Operation {
  parameters?: unknown[];
  requestBody?: unknown;
  responses?: Record<string, unknown>;
  security?: unknown[];
}

/** Adds to every operation the problems it can answer with, from the table of errors. */
export function describeProblems(document: OpenAPIObject): void {
  document.components ??= {};
  document.components.schemas = { ...document.components.schemas, ...PROBLEMS };
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item) as [string, Operation][]) {
      if (needsKey(path)) describeOperation(path, method, operation);
      else operation.security = [];
    }
  }
}

const needsKey = (path: string) => path.startsWith('/api/v1/') && !path.startsWith('/api/v1/health');

function describeOperation(path: string, method: string, operation: Operation): void {
  if (method === 'post') operation.parameters = [...(operation.parameters ?? []), IDEMPOTENCY_KEY];
  const statuses = [
    ...ALWAYS,
    ...(method === 'get' ? [] : OF_CHANGES),
    ...(operation.requestBody === undefined ? [] : OF_BODIES),
  ];
  operation.responses ??= {};
  for (const status of statuses) operation.responses[String(status)] ??= problemResponse(status, path);
}

function problemResponse(status: number, path: string) {
  const codes = CODES.filter((code) => ERRORS[code].status === status);
  const description = codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('; ');
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  if (status !== 422 || !isSvixSurface(path)) return { description, content: problem };
  const faults = { 'application/json': { schema: { $ref: '#/components/schemas/RequestFaults' } } };
  return { description, content: { ...faults, ...problem } };
}

const IDEMPOTENCY_KEY = {
  name: 'idempotency-key',
  in: 'header',
  required: false,
  description: 'The same key and request again give the first answer; kept for 24 hours.',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,256}$' },
};

const text = { type: 'string' };
const place = { loc: { type: 'array', items: text }, msg: text, type: text };
const problemMembers = {
  type: { ...text, example: '/problems/validation' },
  title: text,
  status: { type: 'integer' },
  instance: text,
  code: { ...text, enum: CODES },
  errors: {
    type: 'array',
    items: {
      type: 'object',
      required: ['loc', 'msg', 'type'],
      properties: { ...place, pointer: { ...text, description: 'RFC 6901, in the body' } },
    },
  },
  requestId: text,
};
const required = ['type', 'title', 'status', 'detail', 'code', 'instance', 'requestId'];

const PROBLEMS = {
  Problem: {
    type: 'object',
    description: 'RFC 9457 problem details',
    required,
    properties: { ...problemMembers, detail: text },
  },
  RequestFaults: {
    type: 'object',
    description: 'A 422 of the compatible routes: the same members, with the list of faults as `detail`',
    required: [...required, 'errors'],
    properties: {
      ...problemMembers,
      detail: { type: 'array', items: { type: 'object', required: Object.keys(place), properties: place } },
    },
  },
};
