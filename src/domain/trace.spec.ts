import { traceIdFrom, traceIdOf, traceparent } from './trace.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('the trace of a message', () => {
  it('is the one its caller named', () => {
    expect(traceIdFrom(`00-${TRACE}-00f067aa0ba902b7-01`)).toBe(TRACE);
  });

  it.each([
    undefined,
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-00f067aa0ba902b7-01`,
  ])('is not taken from %p', (header) => {
    expect(traceIdFrom(header)).toBeNull();
  });

  it('is made from the message otherwise, and each try is a span of it', () => {
    const trace = traceIdOf('msg_2rKq0H8s5v6w7x8y9zABCDEFGHI');
    const header = traceparent(trace, 'atmpt_2rKq0H8s5v6w7x8y9zABCDEFGHI');
    expect(header).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(traceIdFrom(header)).toBe(trace);
    expect(traceparent(trace, 'atmpt_2rKq0H8s5v6w7x8y9zABCDEFGHJ')).not.toBe(header);
  });
});
