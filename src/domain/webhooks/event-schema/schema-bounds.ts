import { compilePattern } from './linear-pattern.js';

/** What is wrong with a schema, and where in it. */
export interface SchemaFault {
  path: (string | number)[];
  message: string;
}

export const SCHEMA_LIMITS = { bytes: 65_536, depth: 32, expanded: 5_000, uniqueItems: 1_000 } as const;

// Keywords by what they hold (JSON Schema draft 7 and 2020-12). Everything else is data.
const ONE =
  'not if then else items additionalItems additionalProperties propertyNames contains unevaluatedItems unevaluatedProperties contentSchema';
const LIST = 'allOf anyOf oneOf prefixItems items';
const MAP = 'properties patternProperties dependentSchemas dependencies';
const DEFINITIONS = '$defs definitions';
const REFUSED = '$dynamicRef $recursiveRef $dynamicAnchor $recursiveAnchor $anchor';

const keywords = (text: string) => new Set(text.split(' '));
const [one, list, map, definitions, refused] = [ONE, LIST, MAP, DEFINITIONS, REFUSED].map(keywords) as [
  Set<string>,
  Set<string>,
  Set<string>,
  Set<string>,
  Set<string>,
];

/**
 * Checks that a schema costs no more than a bounded amount for each value of a payload. References are local pointers
 * and never lead back to themselves, so the schema can be thought of with all references written out; that text is
 * limited. Patterns must be linear. @returns the faults; none when the schema may be compiled
 */
export function schemaBoundFaults(schema: unknown): SchemaFault[] {
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > SCHEMA_LIMITS.bytes)
    return [{ path: [], message: `expected at most ${SCHEMA_LIMITS.bytes} bytes, got ${bytes}` }];
  const bounds = new Bounds(schema);
  const expanded = bounds.sizeOf(schema, [], 1);
  if (bounds.faults.length === 0 && expanded > SCHEMA_LIMITS.expanded) {
    const message = `expected at most ${SCHEMA_LIMITS.expanded} members with all references written out`;
    bounds.faults.push({ path: [], message });
  }
  return bounds.faults.slice(0, 20);
}

class Bounds {
  readonly faults: SchemaFault[] = [];
  readonly #sizes = new Map<string, number>();
  readonly #open = new Set<string>();

  constructor(private readonly root: unknown) {}

  /** Members of a schema with its references written out. */
  sizeOf(schema: unknown, path: (string | number)[], depth: number): number {
    if (depth > SCHEMA_LIMITS.depth)
      return this.#fail(path, `expected at most ${SCHEMA_LIMITS.depth} levels, references included`);
    if (!isObject(schema)) return 1;
    let size = 1;
    for (const [key, value] of Object.entries(schema))
      size += this.#keyword(key, value, [...path, key], depth);
    this.#checkUniqueItems(schema, path);
    return size;
  }

  #keyword(key: string, value: unknown, path: (string | number)[], depth: number): number {
    if (refused.has(key)) return this.#fail(path, `${key} is not supported; use $ref to #/$defs/…`);
    if (key === '$id' && path.length > 1) return this.#fail(path, '$id is supported at the top only');
    if (key === '$ref') return this.#reference(value, path, depth);
    if (key === 'pattern') return this.#pattern(value, path);
    if (key === 'patternProperties' && isObject(value))
      for (const pattern of Object.keys(value)) this.#pattern(pattern, [...path, pattern]);
    if (definitions.has(key)) {
      this.#each(value, path, depth);
      return 0; // counted where they are used
    }
    if (map.has(key) || (list.has(key) && Array.isArray(value))) return this.#each(value, path, depth);
    return one.has(key) ? this.sizeOf(value, path, depth + 1) : nodes(value);
  }

  #each(value: unknown, path: (string | number)[], depth: number): number {
    if (Array.isArray(value))
      return value.reduce<number>((sum, item, i) => sum + this.sizeOf(item, [...path, i], depth + 1), 0);
    if (!isObject(value)) return 1; // the meta-schema says what is wrong
    return Object.entries(value).reduce(
      (sum, [key, item]) => sum + this.sizeOf(item, [...path, key], depth + 1),
      0,
    );
  }

  #reference(value: unknown, path: (string | number)[], depth: number): number {
    const pointer = typeof value === 'string' ? value : '';
    if (!pointer.startsWith('#/'))
      return this.#fail(path, 'expected a reference inside this schema, such as #/$defs/name');
    if (this.#open.has(pointer)) return this.#fail(path, 'the reference leads back to itself');
    const known = this.#sizes.get(pointer);
    if (known !== undefined) return known;
    const steps = pointer.slice(2).split('/').map(decodeStep);
    const target = resolve(this.root, steps);
    if (target === undefined) return this.#fail(path, `there is nothing at ${pointer}`);
    this.#open.add(pointer);
    const size = this.sizeOf(target, steps, depth + 1);
    this.#open.delete(pointer);
    this.#sizes.set(pointer, size);
    return size;
  }

  #pattern(value: unknown, path: (string | number)[]): number {
    if (typeof value !== 'string') return 1;
    const compiled = compilePattern(value);
    return typeof compiled === 'string' ? this.#fail(path, compiled) : 1;
  }

  // Comparing each item with each other one is the only keyword whose cost is not linear.
  #checkUniqueItems(schema: Record<string, unknown>, path: (string | number)[]): void {
    const { uniqueItems, maxItems } = schema;
    if (uniqueItems !== true) return;
    if (typeof maxItems === 'number' && maxItems <= SCHEMA_LIMITS.uniqueItems) return;
    this.#fail(
      [...path, 'uniqueItems'],
      `expected maxItems of at most ${SCHEMA_LIMITS.uniqueItems} beside it`,
    );
  }

  #fail(path: (string | number)[], message: string): number {
    if (this.faults.length < 100) this.faults.push({ path, message });
    return 1;
  }
}

function resolve(root: unknown, steps: readonly string[]): unknown {
  let at: unknown = root;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}

const nodes = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? Object.values(value).reduce<number>((sum, item) => sum + nodes(item), 1)
    : 1;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
