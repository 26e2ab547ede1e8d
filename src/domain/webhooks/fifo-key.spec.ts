import { fifoKey } from './fifo-key.js';

const by = (key: string) => ({ by: { key }, onExhausted: 'skip' as const });

describe('the key of an order', () => {
  it('is one for the whole endpoint', () => {
    expect(fifoKey({ by: 'endpoint', onExhausted: 'skip' }, { id: 1 })).toBe('');
  });

  it('is the value that the pointer names', () => {
    const payload = { order: { id: 'A-1', lines: [{ sku: 7 }] }, 'a/b': { '~': true } };
    expect(fifoKey(by('/order/id'), payload)).toBe('"A-1"');
    expect(fifoKey(by('/order/lines/0/sku'), payload)).toBe('7');
    expect(fifoKey(by('/a~1b/~0'), payload)).toBe('true');
  });

  it('tells a number from a text, and no member from null', () => {
    const keys = [{ id: 1 }, { id: '1' }, { id: null }, {}].map((payload) => fifoKey(by('/id'), payload));
    expect(new Set(keys).size).toBe(4);
  });

  it('is bounded, and differs for long values that differ', () => {
    const long = (end: string) => fifoKey(by('/id'), { id: `${'x'.repeat(10_000)}${end}` });
    expect(long('1').length).toBeLessThanOrEqual(128);
    expect(long('1')).not.toBe(long('2'));
  });

  it('does not look into what objects inherit', () => {
    expect(fifoKey(by('/constructor'), {})).toBe('absent');
  });
});
