import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Exchange } from './wire-recorder.js';

type Json = Record<string, unknown>;
interface Description {
  paths: Record<string, Record<string, { responses: Record<string, { content?: Json }> }>>;
}

/** Judges answers by the public description of the API that we are compatible with. */
export class SvixDescription {
  readonly #description: Description;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });
  readonly #paths: { template: string; pattern: RegExp }[];

  constructor(file: string) {
    this.#description = withNull(JSON.parse(readFileSync(file, 'utf8'))) as Description;
    formats.default(this.#ajv);
    this.#ajv.addSchema(this.#description, 'svix');
    this.#paths = Object.keys(this.#description.paths)
      // A path that is named comes before one that it also fits with a parameter.
      .sort((a, b) => a.split('{').length - b.split('{').length)
      .map((template) => ({
        template,
        pattern: new RegExp(`^${template.replace(/[.\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}/?$`),
      }));
  }

  /** The operation an exchange belongs to, e.g. `GET /api/v1/app/{app_id}`; null when it is not described. */
  operationOf({ method, path }: Exchange): string | null {
    const fitting = this.#paths.filter(({ pattern }) => pattern.test(path));
    const found = fitting.find(({ template }) => this.#description.paths[template]?.[method.toLowerCase()]);
    return found ? `${method} ${found.template}` : null;
  }

  /** What is wrong with an answer; empty when it is as described. */
  faults(exchange: Exchange): string[] {
    const operation = this.operationOf(exchange);
    if (operation === null) return [`${exchange.method} ${exchange.path}: not described`];
    const [, template = ''] = operation.split(' ');
    const method = exchange.method.toLowerCase();
    const answer = this.#description.paths[template]?.[method]?.responses[String(exchange.status)];
    const at = `${operation} ${exchange.status}`;
    if (answer === undefined) return [`${at}: the status is not described`];
    if (answer.content === undefined)
      return exchange.body === '' ? [] : [`${at}: a body where none is described`];
    const steps = ['paths', template, method, 'responses', String(exchange.status), 'content'];
    const pointer = [...steps, 'application/json', 'schema'].map(escaped).join('/');
    const check = this.#ajv.compile({ $ref: `svix#/${pointer}` });
    if (check(JSON.parse(exchange.body))) return [];
    return (check.errors ?? []).map(({ instancePath, message }) => `${at}: ${instancePath} ${message}`);
  }
}

const escaped = (step: string) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));

/** `nullable` is of OpenAPI 3.0; JSON Schema says it with the type `null`. */
function withNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNull);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, ...schema } = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withNull(member)]),
  );
  if (nullable === undefined) return schema;
  return nullable === true ? { anyOf: [schema, { type: 'null' }] } : schema;
}
