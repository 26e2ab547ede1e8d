import type { ErrorRow } from './error-row.js';

const applications: ErrorRow[] = [
  {
    bad: 'a uid that is taken',
    send: ({ api }) => api.post('/api/v1/app', { name: 'x', uid: 'errors' }),
    code: 'conflict',
  },
  ...(
    [
      ['a uid like an id', { name: 'x', uid: 'app_x' }, '/uid'],
      ['a uid with a space', { name: 'x', uid: 'a b' }, '/uid'],
      ['an empty name', { name: '' }, '/name'],
      ['a rate of zero', { name: 'x', throttleRate: 0 }, '/throttleRate'],
    ] as const
  ).map(([bad, body, pointer]): ErrorRow => {
    return { bad, send: ({ api }) => api.post('/api/v1/app', body), code: 'validation', pointer };
  }),
];

const endpoints: ErrorRow[] = [
  ...(
    [
      ['a relative URL', { url: '/hook' }, '/url'],
      ['another scheme', { url: 'ftp://example.com/' }, '/url'],
      ['a forbidden literal', { url: 'http://10.0.0.1/' }, '/url'],
      ['a forbidden literal in hexadecimal', { url: 'http://0xa000001/' }, '/url'],
      ['credentials in the URL', { url: 'https://user:pass@example.com/' }, '/url'],
      ['a URL of 2,049 characters', { url: `https://example.com/${'a'.repeat(2029)}` }, '/url'],
      ['no channel', { channels: [] }, '/channels'],
      ['eleven channels', { channels: Array.from({ length: 11 }, (_, n) => `c${n}`) }, '/channels'],
      ['a short secret', { secret: 'whsec_abc' }, '/secret'],
      ['a rate of zero', { throttleRate: 0 }, '/throttleRate'],
      ['a reserved header', { headers: { 'webhook-id': 'x' } }, '/headers/webhook-id'],
      ['a header with a line break', { headers: { 'x-a': 'b\r\nc: d' } }, '/headers/x-a'],
      ['a header that is not ASCII', { headers: { 'x-a': 'é' } }, '/headers/x-a'],
    ] as const
  ).map(([bad, members, pointer]): ErrorRow => {
    return { bad, send: (to) => to.endpointWith(members), code: 'validation', pointer };
  }),
  { bad: 'a uid that is taken', send: (to) => to.endpointWith({ uid: 'taken' }), code: 'conflict' },
  {
    bad: 'an unknown event type',
    send: (to) => to.endpointWith({ eventTypes: ['no.such'] }),
    code: 'validation',
    pointer: '/eventTypes/0',
    says: /no\.such/,
  },
  {
    bad: 'the eleventh old key',
    send: async (to) => {
      const { body } = await to.post('endpoint', { url: to.url });
      const rotate = () => to.post(`endpoint/${(body as unknown as { id: string }).id}/secret/rotate`, {});
      return to.last(11, rotate);
    },
    code: 'limit_reached',
  },
  {
    bad: 'a grace of more than a week',
    send: (to) => to.post(`endpoint/${to.ep}/secret/rotate`, { gracePeriodSeconds: 604_801 }),
    code: 'validation',
    pointer: '/gracePeriodSeconds',
  },
  {
    bad: 'a reserved header put later',
    send: (to) => to.put(`endpoint/${to.ep}/headers`, { headers: { Host: 'x' } }),
    code: 'validation',
    pointer: '/headers/Host',
  },
];

const eventTypes: ErrorRow[] = [
  {
    bad: 'a name that is taken',
    send: ({ api }) => api.post('/api/v1/event-type', { name: 'inventory.updated', description: '' }),
    code: 'conflict',
  },
  {
    bad: 'a schema that is none',
    send: ({ api }) => {
      const schemas = { 1: { type: 'object', properties: { a: { type: 'text' } } } };
      return api.post('/api/v1/event-type', { name: 'bad.schema', description: '', schemas });
    },
    code: 'validation',
    pointer: '/schemas/1/properties/a/type',
  },
  {
    bad: 'removal of one that an endpoint names',
    send: ({ api }) => api.call('DELETE', '/api/v1/event-type/inventory.updated?expunge=true'),
    code: 'in_use',
  },
];

const nested = (depth: number): Record<string, unknown> =>
  depth === 0 ? { a: { $eq: 1 } } : { $and: [nested(depth - 1)] };

const policies: ErrorRow[] = [
  ...(
    [
      ['an unknown operator', { filter: { a: { $near: 1 } } }, '/filter/a/$near'],
      ['a filter too deep', { filter: nested(6) }, '/filter/$and/0/$and/0/$and/0/$and/0/$and/0'],
      ['a wait of zero', { retrySchedule: [5, 0] }, '/retrySchedule/1'],
      ['twenty-one waits', { retrySchedule: Array.from({ length: 21 }, () => 5) }, '/retrySchedule'],
      ['a timeout of a minute', { timeoutMs: 60_000 }, '/timeoutMs'],
      ['an unknown member', { colour: 'red' }, ''],
    ] as const
  ).map(([bad, body, pointer]): ErrorRow => {
    return { bad, send: (to) => to.put('endpoint/taken/policy', body), code: 'validation', pointer };
  }),
];

/** Rows about what is set up: the request and what is wrong with it. */
export const SETTING_ERRORS: Record<string, ErrorRow[]> = {
  'an application': applications,
  'an endpoint': endpoints,
  'an event type': eventTypes,
  'a policy': policies,
};
