import { openApiDocument } from './openapi-document.js';
import type { DocumentedType } from './openapi-document.js';
import { openApiEvents } from './openapi-events.js';

const type = (name: string, schema: unknown, more: Partial<DocumentedType> = {}): DocumentedType => ({
  ...{ name, description: `about ${name}`, deprecated: false, groupName: null },
  schemas: schema === null ? null : JSON.stringify({ 1: { type: 'null' }, 2: schema }),
  ...more,
});

describe('openApiDocument', () => {
  it('has a webhook for each event type, with its newest schema', () => {
    const schema = { type: 'object', examples: [{ id: 'WO-1' }] };
    const document = openApiDocument([
      type('work_order.created', schema, { deprecated: true, groupName: 'work_order' }),
      type('ping', null),
    ]);
    expect(document['openapi']).toBe('3.1.0');
    expect(openApiEvents(document)).toEqual([
      { name: 'work_order.created', description: 'about work_order.created', deprecated: true, schema },
      { name: 'ping', description: 'about ping', deprecated: false, schema: null },
    ]);
  });

  it('definitions of different types do not meet, and importing it gives schemas that mean the same', () => {
    const schema = (unit: string) => ({
      type: 'object',
      properties: {
        weight: { $ref: '#/$defs/Amount' },
        unit: { $ref: '#/$defs/Amount/properties/unit' },
        tare: { $ref: '#/properties/weight' },
      },
      $defs: { Amount: { type: 'object', properties: { unit: { const: unit } } } },
    });
    const document = openApiDocument([type('a.b', schema('kg')), type('a.c', schema('lb'))]);
    expect(Object.keys((document as Components).components.schemas)).toEqual(['a.b.Amount', 'a.c.Amount']);
    for (const [index, unit] of ['kg', 'lb'].entries()) {
      const imported = openApiEvents(document)[index]!;
      const name = `${imported.name}.Amount`;
      expect(imported.schema).toEqual({
        type: 'object',
        properties: {
          weight: { $ref: `#/$defs/${name}` },
          unit: { $ref: `#/$defs/${name}/properties/unit` },
          tare: { $ref: '#/properties/weight' },
        },
        $defs: { [name]: { type: 'object', properties: { unit: { const: unit } } } },
      });
    }
  });

  it('a definition whose name is no component name gets one', () => {
    const schema = { $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': { type: 'string' } } };
    const document = openApiDocument([type('x', schema)]) as Components;
    expect(document.components.schemas).toEqual({ 'x.definition-0': { type: 'string' } });
    expect(openApiEvents(document)[0]!.schema).toEqual({
      $ref: '#/$defs/x.definition-0',
      $defs: { 'x.definition-0': { type: 'string' } },
    });
  });
});

type Components = Record<string, unknown> & { components: { schemas: Record<string, unknown> } };
