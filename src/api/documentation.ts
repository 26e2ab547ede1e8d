import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { ERRORS } from '../platform/errors.js';
import type { ErrorCode } from '../platform/errors.js';
import { VERSION } from '../platform/version.js';

const DESCRIPTION = `Durable job platform. Errors are RFC 9457 problems; \`code\` is one of the table in docs/errors.md.
The webhook routes take the same calls as the Svix SDKs.`;

/** The OpenAPI description of all routes, made from the schemas that validate them. */
export function openApi(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Holdfast')
    .setDescription(DESCRIPTION)
    .setVersion(VERSION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'API key: hf_…' })
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace('Controller', '')}.${method}`,
  });
  return withProblems(document);
}

/** Serves `/docs` and `/openapi.json`. */
export function serveDocumentation(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApi(app), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'Holdfast API',
  });
}

/** Every operation that needs a key can answer with these, whatever it does. */
const COMMON: ErrorCode[] = [
  'malformed_json',
  'authentication_failed',
  'insufficient_access',
  'not_found',
  'unavailable',
];

function withProblems(document: OpenAPIObject): OpenAPIObject {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  document.components ??= {};
  document.components.schemas = {
    ...document.components.schemas,
    Problem: {
      type: 'object',
      description: 'RFC 9457 problem details',
      required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
      properties: {
        type: { type: 'string', example: '/problems/validation' },
        title: { type: 'string' },
        status: { type: 'integer' },
        detail: {},
        instance: { type: 'string' },
        code: { type: 'string', enum: codes },
        errors: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              loc: { type: 'array', items: { type: 'string' } },
              msg: { type: 'string' },
              type: { type: 'string' },
              pointer: { type: 'string' },
            },
          },
        },
        requestId: { type: 'string' },
      },
    },
  };
  for (const [path, item] of Object.entries(document.paths)) {
    if (!path.startsWith('/api/v1/') || path.startsWith('/api/v1/health')) continue;
    for (const [method, operation] of Object.entries(item) as [string, Operation][]) {
      if (method === 'post') operation.parameters = [...(operation.parameters ?? []), IDEMPOTENCY_KEY];
      for (const status of new Set([...COMMON.map((code) => ERRORS[code].status), 422, 429, 409, 413, 415])) {
        operation.responses ??= {};
        operation.responses[String(status)] ??= problemResponse(
          codes.filter((code) => ERRORS[code].status === status),
        );
      }
    }
  }
  return document;
}

interface Operation {
  parameters?: unknown[];
  responses?: Record<string, unknown>;
}

const IDEMPOTENCY_KEY = {
  name: 'idempotency-key',
  in: 'header',
  required: false,
  description: 'The same key and request again give the first answer; kept for 24 hours.',
  schema: { type: 'string', minLength: 1, maxLength: 256 },
};

const problemResponse = (codes: ErrorCode[]) => ({
  description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('; '),
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});
