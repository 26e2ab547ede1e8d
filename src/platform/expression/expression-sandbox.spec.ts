import { ExpressionSandbox } from './expression-sandbox.js';

const sandbox = new ExpressionSandbox(10_000);
afterAll(() => sandbox.close());

const run = (code: string, input: unknown = { order: { id: 7, price: 1.5 } }, key = 'ep_1') =>
  sandbox.run(key, code, JSON.stringify(input), { eventType: 'work_order.created' });

describe('ExpressionSandbox', () => {
  it('makes a new body from the payload and the values it is given', async () => {
    const { body } = await run('{"text": "Order " & order.id, "of": $eventType}');
    expect(JSON.parse(body)).toEqual({ text: 'Order 7', of: 'work_order.created' });
  });

  it('gives headers beside the body', async () => {
    const { body, headers } = await run('$withHeaders(order, {"x-order": $string(order.id)})');
    expect(JSON.parse(body)).toEqual({ id: 7, price: 1.5 });
    expect(headers).toEqual({ 'x-order': '7' });
  });

  it('knows base64, so that receivers that want it can be served', async () => {
    expect((await run('$base64encode("a:b")')).body).toBe('"YTpi"');
    expect((await run('$base64decode("YTpi")')).body).toBe('"a:b"');
  });

  it('says where an expression is wrong', async () => {
    await expect(sandbox.check('ep_1', '{"a": order.}')).rejects.toMatchObject({ position: 13 });
    await expect(sandbox.check('ep_1', '{"a": order.id}')).resolves.toBeUndefined();
  });

  it.each(['$now()', '$millis()', '$random()', '$shuffle([1,2])', '$eval("1")', '($n := $now; $n())'])(
    'refuses %s, which would give another body each time',
    async (code) => {
      await expect(sandbox.check('ep_1', code)).rejects.toThrow('is not available');
      await expect(run(code)).rejects.toThrow('is not available');
    },
  );

  it('takes today from no clock', async () => {
    expect((await run('$fromMillis($toMillis("10:30", "[H]:[m]"))')).body).toBe('"1970-01-01T10:30:00.000Z"');
  });

  it.each([
    ['endless recursion', '($f := function($n){ $f($n + 1) }; $f(0))', /100 ms/],
    ['deep recursion', '($f := function($n){ 1 + $f($n + 1) }; $f(0))', /recursive|[Ss]tack/],
    ['a slow pattern', '$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /^(a+)+$/)', /100 ms/],
    ['many values', '$map([1..90000], function($v){ [1..90000] })', /100 ms|64 MiB/],
    [
      'a text of 300 MB',
      '($f := function($s,$n){ $n = 0 ? $s : $f($s & $s, $n-1) }; $uppercase($f("abcdefgh", 25)))',
      /100 ms|64 MiB/,
    ],
    ['padding', '$pad("x", 300000000, "y")', /width/],
    ['a long result', '$pad("x", 20000, "y")', /too long/],
    ['no result', 'nothing', /no result/],
  ])('ends %s, and goes on', async (_what, code, message) => {
    await expect(run(code)).rejects.toThrow(message);
    expect((await run('order.id')).body).toBe('7');
  });

  it.each([
    '$constructor',
    'constructor',
    'order.__proto__',
    '$string.constructor("return process")()',
    '$lookup($, "constructor")',
    '$sift($, function($v, $k){ $k = "constructor" }).x',
    '$merge([{"__proto__": {"polluted": 1}}]).polluted',
  ])('keeps %s inside', async (code) => {
    const result = await run(code).catch((error: Error) => error.message);
    expect(JSON.stringify(result)).not.toMatch(/native code|process|pid/);
    expect((await run('{}.polluted ? 1 : 0')).body).toBe('0');
  });

  it('serves others while one endpoint always runs to its limit', async () => {
    const endless = Array.from({ length: 20 }, () =>
      run('($f := function($n){ $f($n + 1) }; $f(0))', {}, 'ep_hog').catch((error: Error) => error.message),
    );
    const started = performance.now();
    for (let i = 0; i < 20; i++) await run('order.id', { order: { id: i } }, `ep_${i}`);
    const tookMs = performance.now() - started;
    expect(await endless[0]).toContain('100 ms');
    // One after the other the endless ones take at least two seconds.
    expect(tookMs).toBeLessThan(1500);
    await Promise.all(endless);
  });
});
