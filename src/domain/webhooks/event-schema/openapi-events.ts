/** An event type as an OpenAPI document describes it. */
export interface DescribedEvent {
  name: string;
  description: string;
  deprecated: boolean;
  /** Draft 2020-12, self-contained; null when the webhook has no JSON body. */
  schema: Record<string, unknown> | null;
}

type Node = Record<string, unknown>;

const COMPONENT = /^#\/components\/schemas\/([^/]+)(.*)$/;

/**
 * The event types of an OpenAPI 3.1 document: its `webhooks` (or `x-webhooks`), by name. References to
 * `#/components/schemas` become definitions inside each schema, so that it stands alone.
 */
export function openApiEvents(spec: Node): DescribedEvent[] {
  const webhooks = asNode(spec['webhooks'] ?? spec['x-webhooks']);
  return Object.entries(webhooks).map(([name, item]) => {
    const operation = asNode(resolve(spec, asNode(resolve(spec, item))['post']));
    const body = asNode(resolve(spec, operation['requestBody']));
    const schema = asNode(asNode(body['content'])['application/json'])['schema'];
    const own = `#/webhooks/${name}/post/requestBody/content/application~1json/schema`;
    return {
      name,
      description: text(operation['description']) ?? text(operation['summary']) ?? '',
      deprecated: operation['deprecated'] === true,
      schema: isNode(schema) ? standalone(spec, schema, own) : null,
    };
  });
}

/** @param own how the document names the place of this schema */
function standalone(spec: Node, schema: Node, own: string): Node {
  const components = asNode(asNode(spec['components'])['schemas']);
  const definitions: Node = {};
  const wanted: string[] = [];
  const rewrite = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rewrite);
    if (!isNode(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewriteMember(key, item)]));
  };
  const rewriteMember = (key: string, item: unknown): unknown => {
    if (key !== '$ref' || typeof item !== 'string') return rewrite(item);
    if (item === own || item.startsWith(`${own}/`)) return `#${item.slice(own.length)}`;
    const [, name, inside = ''] = COMPONENT.exec(item) ?? [];
    if (name === undefined) return item;
    wanted.push(name);
    return `#/$defs/${name}${inside}`;
  };
  const rewritten = rewrite(schema) as Node;
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Object.hasOwn(definitions, key) || !Object.hasOwn(components, key)) continue;
    definitions[key] = true; // set before its own references are followed
    definitions[key] = rewrite(components[key]);
  }
  if (Object.keys(definitions).length === 0) return rewritten;
  return { ...rewritten, $defs: { ...asNode(rewritten['$defs']), ...definitions } };
}

/** Follows one local reference, as path items and request bodies may be. */
function resolve(spec: Node, value: unknown): unknown {
  const reference = asNode(value)['$ref'];
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return value;
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, step) => {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      return isNode(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    }, spec);
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const asNode = (value: unknown): Node => (isNode(value) ? value : {});
