import { latestSchema } from './event-schema.js';

/** An event type as it is stored. */
export interface DocumentedType {
  name: string;
  description: string;
  deprecated: boolean;
  groupName: string | null;
  /** Schemas by version as one JSON text; null when there are none. */
  schemas: string | null;
}

type Node = Record<string, unknown>;

/**
 * An OpenAPI 3.1 document with a webhook for each event type. A reference inside a schema is a place in that schema,
 * and would be one in the document: definitions move to `components`, other places are named from the root.
 */
export function openApiDocument(types: readonly DocumentedType[]): Node {
  const components: Node = {};
  const webhooks = Object.fromEntries(types.map((type) => [type.name, webhookOf(type, components)]));
  return {
    openapi: '3.1.0',
    info: { title: 'Event types', version: '1' },
    webhooks,
    ...(Object.keys(components).length === 0 ? {} : { components: { schemas: components } }),
  };
}

function webhookOf({ name, description, deprecated, groupName, schemas }: DocumentedType, components: Node) {
  const schema = schemas === null ? null : latestSchema(JSON.parse(schemas) as Record<string, Node>);
  return {
    post: {
      operationId: name,
      description,
      ...(deprecated ? { deprecated } : {}),
      ...(groupName === null ? {} : { tags: [groupName] }),
      ...(schema === null
        ? {}
        : {
            requestBody: { content: { 'application/json': { schema: embedded(name, schema, components) } } },
          }),
      responses: { '2XX': { description: 'The message was taken.' } },
    },
  };
}

const DEFINITION = /^#\/(?:\$defs|definitions)\/([^/]+)(.*)$/;

function embedded(type: string, schema: Node | boolean, components: Node): Node | boolean {
  if (typeof schema === 'boolean') return schema;
  const { $defs, definitions, ...rest } = schema;
  // A key of `components` takes letters, digits, dots, hyphens and underscores, a definition's name takes anything.
  const names = Object.keys({ ...asNode($defs), ...asNode(definitions) });
  const keyOf = (name: string) =>
    `${type}.${/^[\w.-]+$/.test(name) ? name : `definition-${names.indexOf(name)}`}`;
  const place = (reference: string): string => {
    if (!reference.startsWith('#')) return reference;
    const [, name, inside = ''] = DEFINITION.exec(reference) ?? [];
    if (name !== undefined) return `#/components/schemas/${keyOf(unescaped(name))}${inside}`;
    return `#/webhooks/${type}/post/requestBody/content/application~1json/schema${reference.slice(1)}`;
  };
  for (const [name, definition] of Object.entries({ ...asNode($defs), ...asNode(definitions) })) {
    components[keyOf(name)] = withReferences(definition, place);
  }
  return withReferences(rest, place) as Node;
}

/** The same, with every reference rewritten. */
function withReferences(value: unknown, place: (reference: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, place));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === '$ref' && typeof item === 'string' ? place(item) : withReferences(item, place),
    ]),
  );
}

const unescaped = (step: string) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
const asNode = (value: unknown): Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : {};
