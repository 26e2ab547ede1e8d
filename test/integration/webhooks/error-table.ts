import type { ErrorRow } from './error-row.js';
import { daysFromNow } from './error-scene.js';
import type { ErrorScene, Problem } from './error-scene.js';
import { SETTING_ERRORS } from './error-table-settings.js';

/** What may be wrong with any request. */
const general: ErrorRow[] = [
  {
    bad: 'no key',
    send: ({ api }) => api.call('GET', '/api/v1/app', { key: null }),
    code: 'authentication_failed',
  },
  {
    bad: 'a key that nobody has',
    send: ({ api }) => api.call('GET', '/api/v1/app', { key: `hf_AAAAAAAA_${'A'.repeat(43)}` }),
    code: 'authentication_failed',
  },
  {
    bad: 'a role that is too low',
    send: ({ api, viewer }) => api.call('POST', '/api/v1/app', { body: { name: 'x' }, key: viewer }),
    code: 'insufficient_access',
  },
  { bad: 'an unknown id', send: ({ api }) => api.get('/api/v1/app/nobody'), code: 'not_found' },
  {
    bad: 'the id of another application',
    send: ({ api, app, foreign }) => api.call('GET', `/api/v1/app/${app}`, { key: foreign }),
    code: 'not_found',
  },
  {
    bad: 'a wrong method',
    send: ({ api }) => api.call('PUT', '/api/v1/app', { body: {} }),
    code: 'method_not_allowed',
    header: 'allow',
  },
  { bad: 'not JSON', send: (to) => to.raw('{"eventType": tru}'), code: 'malformed_json', says: /byte 14/ },
  { bad: 'a form', send: (to) => to.raw('a=b', 'text/plain'), code: 'unsupported_media_type' },
  {
    bad: 'a payload over the limit',
    send: (to) => to.message({ payload: { a: 'x'.repeat(262_144) } }),
    code: 'payload_too_large',
    says: /262144/,
  },
  { bad: 'limit 0', send: (to) => to.get('msg?limit=0'), code: 'validation', query: 'limit' },
  { bad: 'limit 251', send: (to) => to.get('msg?limit=251'), code: 'validation', query: 'limit' },
  { bad: 'a bad iterator', send: (to) => to.get('msg?iterator=x'), code: 'validation', query: 'iterator' },
  { bad: 'a bad date', send: (to) => to.get('msg?before=yesterday'), code: 'validation', query: 'before' },
  {
    bad: 'before earlier than after',
    send: (to) => to.get('msg?before=2026-01-01T00:00:00Z&after=2026-01-02T00:00:00Z'),
    code: 'validation',
  },
  {
    bad: 'a member twice',
    send: (to) => to.raw('{"eventType":"a","eventType":"b","payload":{}}'),
    code: 'malformed_json',
  },
  { bad: 'a NUL', send: (to) => to.raw('{"eventType":"a\0","payload":{}}'), code: 'malformed_json' },
  {
    bad: 'bytes that are not UTF-8',
    send: (to) => to.raw(Buffer.from('7b22ff223a317d', 'hex')),
    code: 'malformed_json',
    says: /UTF-8/,
  },
];

const messages: ErrorRow[] = [
  ...(
    [
      ['no event type', { eventType: undefined }, '/eventType'],
      ['an event type with a space', { eventType: 'a b' }, '/eventType'],
      ['a payload that is an array', { payload: [1] }, '/payload'],
      ['a time 31 days ahead', { deliverAt: daysFromNow(31) }, '/deliverAt'],
      ['a time 6 minutes ago', { deliverAt: daysFromNow(-6 / 1440) }, '/deliverAt'],
      ['a retention of 91 days', { payloadRetentionPeriod: 91 }, '/payloadRetentionPeriod'],
    ] as const
  ).map(([bad, members, pointer]): ErrorRow => {
    return { bad, send: (to) => to.message(members), code: 'validation', pointer };
  }),
  {
    bad: 'a payload that does not fit its schema',
    send: (to) => to.message({ eventType: 'work_order.created', payload: { id: 5 } }),
    code: 'schema_mismatch',
    pointer: '/payload/id',
  },
  {
    bad: 'an eventId that was used',
    send: (to) => to.message({ eventId: 'taken' }),
    code: 'conflict',
    names: 'existing',
  },
  {
    bad: 'an idempotency key with another body',
    send: async ({ api, app }) => {
      const send = (n: number) =>
        api.call<Problem>('POST', `/api/v1/app/${app}/msg`, {
          body: { eventType: 'error.test', payload: { n } },
          idempotencyKey: 'reused',
        });
      await send(1);
      return send(2);
    },
    code: 'idempotency_key_reused',
  },
  {
    bad: 'an application that is deleted',
    send: ({ api, deleted }) => api.post(`/api/v1/app/${deleted}/msg`, { eventType: 'a', payload: {} }),
    code: 'not_found',
  },
  {
    bad: 'more than the application may send',
    send: (to) => {
      const send = () =>
        to.api.post<Problem>(`/api/v1/app/${to.throttled}/msg`, { eventType: 'a', payload: {} });
      return to.last(5, send);
    },
    code: 'rate_limited',
    header: 'retry-after',
  },
  { bad: 'a batch of nothing', send: (to) => to.post('msg/batch', { items: [] }), code: 'validation' },
  {
    bad: 'a batch of 1,001',
    send: (to) => to.post('msg/batch', { items: Array.from({ length: 1001 }, () => ({})) }),
    code: 'validation',
    pointer: '/items',
  },
];

const history: ErrorRow[] = [
  ...(
    [
      ['an unknown status', 'attempt/endpoint/taken?status=9', 'status'],
      ['an unknown class', 'attempt/endpoint/taken?status_code_class=700', 'status_code_class'],
      [
        'statistics of 29 days',
        `endpoint/taken/stats?since=${daysFromNow(-29)}&until=${daysFromNow(0)}`,
        'since',
      ],
    ] as const
  ).map(([bad, path, query]): ErrorRow => {
    return { bad, send: (to) => to.get(path), code: 'validation', query };
  }),
  {
    bad: 'a resend of an unknown message',
    send: (to) => to.post(`msg/nothing/endpoint/taken/resend`, {}),
    code: 'not_found',
  },
  {
    bad: 'a resend to a disabled endpoint',
    send: (to) => to.post(`msg/${to.msg}/endpoint/off/resend`, {}),
    code: 'endpoint_disabled',
  },
  {
    bad: 'a resend of what is gone',
    send: (to) => to.post(`msg/${to.expunged}/endpoint/taken/resend`, {}),
    code: 'content_expired',
  },
];

const TEST = 'endpoint/taken/msg/test-attempt';
const series = (query: string) => (to: ErrorScene) =>
  to.api.get<Problem>(`/api/v1/stats/app/${to.app}/attempt?${query}`);
const compatible: ErrorRow[] = [
  {
    bad: 'a test of a disabled endpoint',
    send: (to) => to.post('endpoint/off/msg/test-attempt', { eventType: 'error.test', payload: {} }),
    code: 'endpoint_disabled',
  },
  {
    bad: 'a test for later',
    send: (to) => to.post(TEST, { eventType: 'error.test', payload: {}, deliverAt: daysFromNow(1) }),
    code: 'validation',
    pointer: '/deliverAt',
  },
  {
    bad: 'a test of an unknown endpoint',
    send: (to) => to.post('endpoint/none/msg/test-attempt', { eventType: 'a', payload: {} }),
    code: 'not_found',
  },
  { bad: 'an unknown period', send: series('period=OneWeek'), code: 'validation', query: 'period' },
  {
    bad: 'tries over 29 days',
    send: series(`startDate=${daysFromNow(-29)}&period=OneDay`),
    code: 'validation',
    query: 'startDate',
  },
  {
    bad: 'tries that end as they begin',
    send: series(`startDate=${daysFromNow(1)}&endDate=${daysFromNow(-1)}`),
    code: 'validation',
    query: 'startDate',
  },
  {
    bad: 'minutes of three days ago',
    send: series(`startDate=${daysFromNow(-3)}&period=FiveMinutes`),
    code: 'validation',
    query: 'startDate',
  },
  {
    bad: 'a one-time token that nobody has',
    send: ({ api }) => api.post<Problem>('/api/v1/auth/one-time-token', { oneTimeToken: 'hf_x' }),
    code: 'authentication_failed',
  },
];

const replays: ErrorRow[] = [
  ...(
    [
      ['a recovery of more than 14 days', { since: daysFromNow(-15) }],
      ['a recovery that ends as it begins', { since: daysFromNow(-1), until: daysFromNow(-1) }],
      ['a recovery from the future', { since: daysFromNow(1) }],
    ] as const
  ).map(([bad, body]): ErrorRow => {
    const send = (to: ErrorScene) => to.post('endpoint/taken/recover', body);
    return { bad, send, code: 'validation', pointer: '/since' };
  }),
  {
    bad: 'a second task of an endpoint',
    send: async (to) => {
      const { body } = await to.post('endpoint', { url: to.url });
      const { id } = body as unknown as { id: string };
      const first = await to.post(`endpoint/${id}/recover`, { since: daysFromNow(-1) });
      await to.post(`../../background-task/${(first.body as unknown as { id: string }).id}/pause`, {});
      return to.post(`endpoint/${id}/replay-missing`, { since: daysFromNow(-1) });
    },
    code: 'task_running',
    names: 'existing',
  },
];

export const ERROR_TABLE: Record<string, ErrorRow[]> = {
  'any request': general,
  ...SETTING_ERRORS,
  'a message': messages,
  'history and resend': history,
  'recover and replay': replays,
  'tests, tries over time, one-time tokens': compatible,
};
