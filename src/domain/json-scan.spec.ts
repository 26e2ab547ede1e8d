import { JsonScanError, scanJsonArray, scanJsonObject } from './json-scan.js';

const scan = (text: string) => scanJsonObject(Buffer.from(text));
const value = (text: string, key: string) => {
  const member = scan(text)!.find((m) => m.key === key)!;
  return Buffer.from(text).toString('utf8', member.start, member.end);
};

describe('JSON scan', () => {
  it.each([
    ['{"payload": {"a":1.50}}', '{"a":1.50}'],
    [
      '{"x":"}","payload" : { "b" : 12345678901234567890, "a" : 1 } }',
      '{ "b" : 12345678901234567890, "a" : 1 }',
    ],
    ['{"é":"\\"","payload":["\\u00e9","ü😀"]}', '["\\u00e9","ü😀"]'],
    ['\n{\t"payload":null\r}\n', 'null'],
    ['{"p\\u0061yload":-0.0e-7}', '-0.0e-7'],
  ])('gives the bytes of a top-level value unchanged: %s', (text, expected) => {
    expect(value(text, 'payload')).toBe(expected);
  });

  it('lists duplicate members, so that the caller can refuse them', () => {
    expect(scan('{"a":1,"a":2}')!.map((m) => m.key)).toEqual(['a', 'a']);
  });

  it('tells JSON that is not an object from an object', () => {
    expect(scan('[1]')).toBeNull();
    expect(scan('{}')).toEqual([]);
  });

  it('gives the bytes of the items of an array unchanged', () => {
    const text = '[ {"a":[1.50]} ,2e1,\n"x,]" , [] ]';
    const items = scanJsonArray(Buffer.from(text))!.map(({ start, end }) => text.slice(start, end));
    expect(items).toEqual(['{"a":[1.50]}', '2e1', '"x,]"', '[]']);
    expect(scanJsonArray(Buffer.from(' [ ] '))).toEqual([]);
    expect(scanJsonArray(Buffer.from('{}'))).toBeNull();
    expect(() => scanJsonArray(Buffer.from('[1,]'))).toThrow(JsonScanError);
  });

  const broken: [string, number][] = [
    ['{"a": tru}', 6],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['{"ä":01}', 7],
    ['{"a":"\\x"}', 6],
    ['{"a":"\u0001"}', 6],
    ['{"a":[1 2]}', 8],
    ['{"a":1', 6],
    ['{"a":"x', 7],
    ['{} x', 3],
    ['', 0],
    ['{a:1}', 1],
    ['{"a":+1}', 5],
    ['{"a":1.}', 6],
    ['{"a":\u00a01}', 5],
  ];
  it.each(broken)('refuses %j and names byte %i', (text, offset) => {
    expect(() => scan(text)).toThrow(JsonScanError);
    try {
      scan(text);
    } catch (error) {
      expect((error as JsonScanError).offset).toBe(offset);
    }
  });

  it('agrees with JSON.parse on mutated texts', () => {
    const seedText = '{"a":[1,-2.5e3,true,null,"x\\n\\u0041"],"b":{"c":{}},"d":[]}';
    const alphabet = '{}[],:"\\0123456789.eE+-truefalsn \t\u0000x';
    let state = 42;
    const random = (n: number) => (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) % n;
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      const at = random(seedText.length);
      const text =
        seedText.slice(0, at) + alphabet[random(alphabet.length)]! + seedText.slice(at + random(3));
      const valid = parses(text);
      if (valid) accepted++;
      expect([text, scans(text)]).toEqual([text, valid]);
    }
    expect(accepted).toBeGreaterThan(500);
  });

  it('bounds nesting', () => {
    expect(() => scan(`{"a":${'['.repeat(2_000)}`)).toThrow('nested deeper');
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function scans(text: string): boolean {
  try {
    scan(text);
    return true;
  } catch {
    return false;
  }
}
