import { batchBody, batchItem } from './batch-body.js';

const at = new Date('2026-11-21T17:00:00.250Z');

describe('the body of a batch', () => {
  it('is an array of items whose payloads are the bytes that were accepted', () => {
    const payload = '{"b":1.50, "a":12345678901234567890,"ü":"\\u00e9"}';
    const items = [
      batchItem({ id: 'msg_1', type: 'order.placed', at }, Buffer.from(payload)),
      batchItem({ id: 'msg_2', type: 'order.paid', at }, Buffer.from('{}')),
    ];
    const body = batchBody(items).toString();
    expect(body).toContain(`"payload":${payload}}`);
    expect(JSON.parse(body)).toMatchObject([
      { id: 'msg_1', timestamp: '2026-11-21T17:00:00.250Z', type: 'order.placed' },
      { id: 'msg_2', timestamp: '2026-11-21T17:00:00.250Z', type: 'order.paid', payload: {} },
    ]);
  });

  it('is an array for one item too', () => {
    const body = batchBody([batchItem({ id: 'msg_1', type: 'a', at }, Buffer.from('{"n":1}'))]);
    expect(JSON.parse(body.toString())).toEqual([
      { id: 'msg_1', timestamp: at.toISOString(), type: 'a', payload: { n: 1 } },
    ]);
  });
});
