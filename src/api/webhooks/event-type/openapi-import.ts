import { Injectable } from '@nestjs/common';
import { parse } from 'yaml';
import { eventTypeIn } from '../../../contracts/webhooks/event-type.js';
import type {
  EventTypeIn,
  OpenApiImportIn,
  OpenApiImportOut,
} from '../../../contracts/webhooks/event-type.js';
import { openApiEvents } from '../../../domain/webhooks/event-schema/openapi-events.js';
import { invalidMember, ProblemError } from '../../../platform/errors.js';
import { validationProblem } from '../../../platform/http/validation.js';
import { EventTypeRepository } from '../../../store/webhooks/event-type/event-type.repository.js';
import { checkSchemas, EventTypeWriter } from './event-type-writer.js';

const MAX_IMPORTED = 1_000;
/** Against documents that are small as text and huge when their aliases are written out. */
const MAX_ALIASES = 100;

/** Registers the webhooks that an OpenAPI document describes. Importing a document again changes nothing more. */
@Injectable()
export class OpenApiImport {
  constructor(
    private readonly types: EventTypeRepository,
    private readonly writer: EventTypeWriter,
  ) {}

  /** All is checked before anything is written. */
  async import({ spec, specRaw, dryRun, replaceAll }: OpenApiImportIn): Promise<OpenApiImportOut> {
    const described = openApiEvents(spec ?? read(specRaw ?? ''));
    if (described.length === 0 || described.length > MAX_IMPORTED) {
      throw invalidMember(
        ['spec', 'webhooks'],
        `expected 1 to ${MAX_IMPORTED} webhooks, got ${described.length}`,
      );
    }
    const inputs = described.map(({ schema, ...event }) =>
      checked({ ...event, schemas: schema && { 1: schema } }),
    );
    if (!dryRun) {
      for (const { name, ...input } of inputs) await this.writer.put(name, input);
      if (replaceAll) await this.types.archiveOthers(inputs.map(({ name }) => name));
    }
    const modified = inputs.map(({ name }) => name);
    if (!dryRun) return { data: { modified } };
    const planned = inputs.map(({ name, description, deprecated, schemas }) => ({
      name,
      description,
      deprecated,
      schemas,
    }));
    return { data: { modified: [], to_modify: planned } };
  }
}

function checked(event: unknown): EventTypeIn {
  const parsed = eventTypeIn.safeParse(event);
  const name = (event as { name: string }).name;
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({
      ...issue,
      path: ['spec', 'webhooks', name, ...issue.path],
    }));
    throw validationProblem(issues, 'body');
  }
  checkSchemas(parsed.data.schemas, ['spec', 'webhooks', name]);
  return parsed.data;
}

/** JSON is YAML. */
function read(raw: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = parse(raw, { maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new ProblemError('validation', `specRaw: expected JSON or YAML: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof document === 'object' && document !== null && !Array.isArray(document))
    return document as Record<string, unknown>;
  throw invalidMember(['specRaw'], 'expected an OpenAPI document');
}
