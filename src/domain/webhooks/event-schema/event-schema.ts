import { Ajv } from 'ajv';
import type { ErrorObject, Options, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { linearRegExp } from './linear-pattern.js';
import { schemaBoundFaults } from './schema-bounds.js';
import type { SchemaFault } from './schema-bounds.js';

/** Payloads up to this size have all their faults listed, larger ones the first: listing is not bounded as checking is. */
const LIST_ALL_BYTES = 4_096;
const MAX_FAULTS = 20;

const DIALECTS = {
  'https://json-schema.org/draft/2020-12/schema': Ajv2020,
  'http://json-schema.org/draft-07/schema': Ajv,
} as const;
const DEFAULT_DIALECT = 'https://json-schema.org/draft/2020-12/schema';

type Schema = Record<string, unknown> | boolean;

/** A JSON Schema ready to check payloads. */
export interface PayloadCheck {
  /** What does not fit, at most 20; none when the payload fits. */
  faults(payload: unknown, bytes: number): SchemaFault[];
}

/** Faults of a schema by the place in it; none when it can be used. */
export function schemaFaults(schema: Schema): SchemaFault[] {
  const dialect = dialectOf(schema);
  if (dialect === null)
    return [{ path: ['$schema'], message: `expected one of ${Object.keys(DIALECTS).join(', ')}` }];
  const bounds = schemaBoundFaults(schema);
  if (bounds.length > 0) return bounds;
  const ajv = newAjv(dialect, true);
  try {
    if (ajv.validateSchema(schema) !== true) return toFaults(ajv.errors);
    ajv.compile(schema);
    return [];
  } catch (error) {
    return [{ path: [], message: `expected a JSON Schema that can be used: ${(error as Error).message}` }];
  }
}

/** Compiles a schema that has no faults. */
export function compileSchema(schema: Schema): PayloadCheck {
  const dialect = dialectOf(schema) ?? DEFAULT_DIALECT;
  const check = newAjv(dialect, false).compile(schema);
  let checkAll: ValidateFunction | null = null;
  return {
    faults(payload, bytes) {
      if (check(payload)) return [];
      if (bytes > LIST_ALL_BYTES) return toFaults(check.errors);
      checkAll ??= newAjv(dialect, true).compile(schema);
      checkAll(payload);
      return toFaults(checkAll.errors);
    },
  };
}

/** The schema of the highest version; versions compare as numbers where they are numbers. */
export function latestSchema(schemas: Record<string, Schema>): Schema | null {
  const versions = Object.keys(schemas).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const latest = versions.at(-1);
  return latest === undefined ? null : (schemas[latest] ?? null);
}

/** The examples a schema gives, by the keyword `examples` or OpenAPI's `example`. */
export function schemaExamples(schema: Schema): unknown[] {
  if (typeof schema === 'boolean') return [];
  const { examples, example } = schema;
  return Array.isArray(examples) ? (examples as unknown[]) : example === undefined ? [] : [example];
}

function dialectOf(schema: Schema): keyof typeof DIALECTS | null {
  const named = typeof schema === 'boolean' ? undefined : schema['$schema'];
  if (named === undefined) return DEFAULT_DIALECT;
  const dialect = typeof named === 'string' ? named.replace(/#$/, '') : '';
  return Object.hasOwn(DIALECTS, dialect) ? (dialect as keyof typeof DIALECTS) : null;
}

// A fresh instance each time: it keeps what it compiles, and schemas of different types may have one $id.
function newAjv(dialect: keyof typeof DIALECTS, allErrors: boolean): Ajv {
  const options: Options = {
    allErrors,
    strict: false,
    logger: false,
    ownProperties: true,
    code: { regExp: linearRegExp },
  };
  const ajv: Ajv = new DIALECTS[dialect](options);
  formats.default(ajv, { mode: 'fast' });
  return ajv;
}

/** Each fault once: a draft is checked in parts that may see the same one. */
function toFaults(errors: ErrorObject[] | null | undefined): SchemaFault[] {
  const faults = (errors ?? []).map(({ instancePath, message = 'does not fit', params }) => ({
    path: instancePath
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
    message: Array.isArray(params['allowedValues'])
      ? `${message}: ${listed(params['allowedValues'])}`
      : message,
  }));
  const distinct = new Map(faults.map((fault) => [JSON.stringify(fault), fault]));
  return [...distinct.values()].slice(0, MAX_FAULTS);
}

const listed = (values: unknown[]) => values.slice(0, 10).map(String).join(', ');
