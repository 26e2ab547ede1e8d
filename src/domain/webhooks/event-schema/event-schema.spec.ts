import { compileSchema, latestSchema, schemaExamples, schemaFaults } from './event-schema.js';

const order = {
  type: 'object',
  properties: {
    id: { type: 'string', pattern: '^WO-[0-9]+$' },
    priority: { enum: ['low', 'high'] },
    lines: { type: 'array', items: { $ref: '#/$defs/line' } },
  },
  required: ['id'],
  $defs: { line: { type: 'object', required: ['sku'], properties: { count: { type: 'integer' } } } },
};
const places = (schema: Parameters<typeof compileSchema>[0], payload: unknown, bytes = 100) =>
  compileSchema(schema)
    .faults(payload, bytes)
    .map((fault) => `/${fault.path.join('/')}`);

describe('a schema', () => {
  it('takes what fits and names every place that does not', () => {
    expect(schemaFaults(order)).toEqual([]);
    expect(places(order, { id: 'WO-1', priority: 'low', lines: [{ sku: 'A' }], more: 1 })).toEqual([]);
    expect(places(order, { id: 'X', priority: 'none', lines: [{ sku: 'A' }, { count: 1.5 }] })).toEqual([
      '/id',
      '/priority',
      '/lines/1',
      '/lines/1/count',
    ]);
  });

  it('names the first place only where the payload is large', () => {
    expect(places(order, { id: 'X', priority: 'none' }, 5_000)).toHaveLength(1);
  });

  it('names each fault of a schema once', () => {
    const faults = schemaFaults({ not: [], properties: { a: { type: 5 } } } as never);
    expect(faults.map(({ path }) => path.join('/'))).toContain('not');
    expect(new Set(faults.map((fault) => JSON.stringify(fault))).size).toBe(faults.length);
  });

  it('may be of draft 2020-12, the default, or draft 7', () => {
    const tuple = { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] };
    expect(schemaFaults(tuple)).toEqual([]);
    expect(places(tuple, [1])).toEqual(['/0']);
    expect(schemaFaults({ items: [{ type: 'string' }] })[0]?.path).toEqual(['items']);
    const prefix = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      prefixItems: [{ type: 'string' }],
    };
    expect(places(prefix, [1])).toEqual(['/0']);
    expect(schemaFaults({ $schema: 'http://json-schema.org/draft-04/schema#' })[0]?.path).toEqual([
      '$schema',
    ]);
  });

  it('checks formats', () => {
    const schema = { properties: { at: { format: 'date-time' }, mail: { format: 'email' } } };
    expect(places(schema, { at: '2026-11-21T10:00:00Z', mail: 'a@b.example' })).toEqual([]);
    expect(places(schema, { at: 'today', mail: 'nobody' })).toEqual(['/at', '/mail']);
  });

  it('may hold words of others, such as OpenAPI', () => {
    expect(schemaFaults({ type: 'object', nullable: true, example: { a: 1 }, 'x-order': 3 })).toEqual([]);
  });

  const doubling = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [
      `d${i}`,
      i === 11
        ? { type: 'string' }
        : { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
    ]),
  );
  const wrong: [string, Record<string, unknown>, (string | number)[]][] = [
    ['a keyword of the wrong type', { properties: { a: { type: 'text' } } }, ['properties', 'a', 'type']],
    ['a reference to elsewhere', { $ref: 'https://example.com/s.json' }, ['$ref']],
    ['a reference to a file', { items: { $ref: 'other.json#/a' } }, ['items', '$ref']],
    ['a reference to nothing', { $ref: '#/$defs/none' }, ['$ref']],
    [
      'a reference that leads back',
      { properties: { a: { $ref: '#/properties/a' } } },
      ['properties', 'a', '$ref'],
    ],
    ['a reference to itself through the root', { items: { $ref: '#' } }, ['items', '$ref']],
    ['a dynamic reference', { $dynamicRef: '#a' }, ['$dynamicRef']],
    ['an $id inside', { items: { $id: 'https://example.com/x' } }, ['items', '$id']],
    ['references that double twelve times', { $ref: '#/$defs/d0', $defs: doubling }, []],
    ['a pattern with look-ahead', { pattern: '(?=a)a' }, ['pattern']],
    [
      'a pattern with a back-reference',
      { patternProperties: { '(a)\\1': true } },
      ['patternProperties', '(a)\\1'],
    ],
    ['a pattern that does not end', { pattern: '(' }, ['pattern']],
    ['a pattern of huge repetitions', { pattern: '(ab){1000}(cd){1000}' }, ['pattern']],
    ['uniqueItems without a limit', { uniqueItems: true }, ['uniqueItems']],
    ['more than 64 KiB', { description: 'x'.repeat(70_000) }, []],
    ['more than 32 levels', levels(40), Array.from({ length: 32 }, () => 'items')],
  ];
  it.each(wrong)('is refused with %s, and the place is named', (_, schema, path) => {
    expect(schemaFaults(schema).map((fault) => fault.path)).toContainEqual(path);
  });

  it('reads keywords only where they are keywords', () => {
    expect(
      schemaFaults({ properties: { $ref: { type: 'string' }, pattern: { const: { $ref: 'x' } } } }),
    ).toEqual([]);
    expect(schemaFaults({ enum: [{ pattern: '(' }], default: { $dynamicRef: 1 } })).toEqual([]);
  });

  it('costs linear time where a backtracking pattern would not end', () => {
    const schema = { properties: { a: { pattern: '^(a+)+$' } } };
    const check = compileSchema(schema);
    const begin = performance.now();
    expect(check.faults({ a: `${'a'.repeat(200_000)}!` }, 200_000)).toHaveLength(1);
    expect(performance.now() - begin).toBeLessThan(2_000);
  });

  it('does not compare the items of a list that is too long anyway', () => {
    const check = compileSchema({ properties: { a: { uniqueItems: true, maxItems: 1_000 } } });
    const a = Array.from({ length: 60_000 }, (_, n) => ({ n }));
    const begin = performance.now();
    expect(check.faults({ a }, 300_000)).toHaveLength(1);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });
});

describe('versions and examples', () => {
  it('the highest version counts, as a number', () => {
    expect(latestSchema({ 2: { title: 'two' }, 10: { title: 'ten' }, 1: true })).toEqual({ title: 'ten' });
    expect(latestSchema({})).toBeNull();
  });
  it('examples come from examples, or OpenAPI example', () => {
    expect(schemaExamples({ examples: [{ a: 1 }, { a: 2 }] })).toHaveLength(2);
    expect(schemaExamples({ example: { a: 1 } })).toEqual([{ a: 1 }]);
    expect(schemaExamples({})).toEqual([]);
  });
});

function levels(depth: number): Record<string, unknown> {
  return depth === 0 ? {} : { items: levels(depth - 1) };
}
