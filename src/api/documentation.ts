import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { VERSION } from '../platform/version.js';
import { describeProblems } from './problem-documentation.js';

const DESCRIPTION = `Durable job platform. Errors are RFC 9457 problems; \`code\` is one of the table in docs/errors.md.
The webhook routes take the same calls as the Svix SDKs.`;

/** The OpenAPI description of all routes, made from the schemas that validate them. */
export function openApi(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Holdfast')
    .setDescription(DESCRIPTION)
    .setVersion(VERSION)
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'API key: hf_…' })
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace('Controller', '')}.${method}`,
    standardSchemaConverter: (schema, { schemaType }) => ({
      schema: jsonSchema(schema as z.ZodType, schemaType),
    }),
  });
  describeProblems(document);
  return document;
}

/** JSON Schema 2020-12, the dialect of OpenAPI 3.1: unlike 3.0 it can say what the names of members look like. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return described;
}

/** Serves `/docs` and `/openapi.json`. */
export function serveDocumentation(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApi(app), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'Holdfast API',
  });
}
