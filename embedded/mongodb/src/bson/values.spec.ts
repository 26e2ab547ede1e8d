import { calculateObjectSize, Decimal128, Double, EJSON, Long, serialize } from 'bson';
import { double, typeName, UNDEFINED } from './type-of.js';
import { validateBson } from './validate.js';
import { BDoc, type BValue } from './values.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const fromEjson = (text: string): Buffer =>
  Buffer.from(serialize(EJSON.parse(text, { relaxed: false }), { ignoreUndefined: false }));

/** Rebuilt from its values, so that nothing of the stored bytes is reused. */
function rebuilt(doc: BDoc): BDoc {
  return BDoc.of(...doc.entries().map(([name, value]): [string, BValue] => [name, rebuiltValue(value)]));
}
function rebuiltValue(value: BValue): BValue {
  if (value instanceof BDoc) return rebuilt(value);
  return Array.isArray(value) ? value.map(rebuiltValue) : value;
}

describe('BDoc', () => {
  const everyType = fromEjson(`{
    "double": {"$numberDouble": "5.0"}, "half": {"$numberDouble": "0.5"}, "minusZero": {"$numberDouble": "-0.0"},
    "int": {"$numberInt": "5"}, "long": {"$numberLong": "5"}, "decimal": {"$numberDecimal": "5.00"},
    "string": "a\\u0000b \\ud83d\\ude00", "object": {"b": 1, "a": {"$numberDouble": "1.0"}}, "array": [1, [2], {"x": null}],
    "binary": {"$binary": {"base64": "AQID", "subType": "80"}}, "uuid": {"$uuid": "73ffd264-44b3-4c69-90e8-e7d1dfc035d4"},
    "id": {"$oid": "56e1fc72e0c917e9c4714161"}, "yes": true, "no": false, "date": {"$date": {"$numberLong": "-1"}},
    "nothing": null, "regex": {"$regularExpression": {"pattern": "a+", "options": "im"}},
    "code": {"$code": "f()"}, "scoped": {"$code": "f()", "$scope": {"x": 1}}, "symbol": {"$symbol": "s"},
    "timestamp": {"$timestamp": {"t": 4294967295, "i": 1}}, "min": {"$minKey": 1}, "max": {"$maxKey": 1}, "": "empty name",
    "infinite": {"$numberDouble": "-Infinity"}, "nan": {"$numberDouble": "NaN"}
  }`);

  test('a document of every type encodes from its values to the bytes it was read from', () => {
    expect(rebuilt(BDoc.fromBytes(everyType)).toBytes().toString('hex')).toBe(everyType.toString('hex'));
  });

  test.each([
    ['undefined', '0800 0000 06 6100 00'.replaceAll(' ', '')],
    ['DBPointer', '1a00 0000 0c 6100 0200 0000 6200 56e1fc72e0c917e9c4714161 00'],
    ['old binary subtype', '1300 0000 05 6100 0600 0000 02 0200 0000 ffff 00'],
    ['regex with unsorted options', '0b00 0000 0b 6100 7800 6d69 00 00'],
  ])('%s keeps its bytes', (_name, text) => {
    const bytes = hex(text);
    bytes.writeInt32LE(bytes.length, 0);
    validateBson(bytes);
    expect(rebuilt(BDoc.fromBytes(bytes)).toBytes()).toEqual(bytes);
  });

  test('a document that was not changed gives back the stored bytes themselves', () => {
    const doc = BDoc.fromBytes(everyType);
    expect(doc.get('object')).toBeInstanceOf(BDoc);
    expect(doc.keys()[0]).toBe('double');
    expect(doc.toBytes().buffer).toBe(everyType.buffer);
    expect(doc.clone().set('int', 6).get('int')).toBe(6);
    expect(doc.get('int')).toBe(5);
  });

  test('integer-like field names keep their order', () => {
    const doc = BDoc.of(['b', 1], ['1', 2], ['a', 3], ['0', 4]);
    expect(BDoc.fromBytes(doc.toBytes()).keys()).toEqual(['b', '1', 'a', '0']);
  });

  test('duplicate field names stay and the first one is found', () => {
    const bytes = hex('1300 0000 10 6100 0100 0000 10 6100 0200 0000 00');
    const doc = BDoc.fromBytes(bytes);
    expect([doc.get('a'), doc.size, doc.keys()]).toEqual([1, 2, ['a', 'a']]);
    expect(doc.clone().set('a', 7).entries()).toEqual([
      ['a', 7],
      ['a', 2],
    ]);
  });

  test('a field called __proto__ or with letters outside ASCII is a field like another', () => {
    const doc = BDoc.fromBytes(BDoc.of(['__proto__', 1], ['é', 2], ['Ã©', 3], ['日本', 4]).toBytes());
    expect(['__proto__', 'é', 'Ã©', '日本', 'constructor'].map((key) => doc.get(key))).toEqual([
      1,
      2,
      3,
      4,
      undefined,
    ]);
  });

  test.each<[BValue, string]>([
    [5, 'int'],
    [-0, 'double'],
    [2 ** 31, 'double'],
    [double(5), 'double'],
    [5n, 'long'],
    [Decimal128.fromString('5'), 'decimal'],
    [UNDEFINED, 'undefined'],
  ])('%p is of type %s before and after encoding', (value, name) => {
    expect(typeName(value)).toBe(name);
    const back = BDoc.fromBytes(BDoc.of(['v', value]).toBytes()).get('v');
    expect(typeName(back!)).toBe(name);
    expect(back).toEqual(value);
  });

  test('the encoded document is what the official library writes', () => {
    const doc = BDoc.of(
      ['i', 1],
      ['d', new Double(2)],
      ['l', 3n],
      ['s', 'x'.repeat(100_000)],
      ['n', [null, true]],
    );
    const same = { i: 1, d: new Double(2), l: Long.fromNumber(3), s: 'x'.repeat(100_000), n: [null, true] };
    expect(doc.toBytes()).toEqual(Buffer.from(serialize(same)));
    expect(doc.toBytes().length).toBe(calculateObjectSize(same));
  });

  test('a value of a foreign class is refused, not stored as something else', () => {
    const foreign = Long.fromNumber(3) as unknown as BValue;
    expect(() => BDoc.of(['a', foreign]).toBytes()).toThrow('expected a BSON value, got a Long');
    expect(() => typeName(foreign)).toThrow('expected a BSON value, got a Long');
  });

  test('a deleted field is gone and the others keep their order', () => {
    const doc = BDoc.fromBytes(BDoc.of(['a', 1], ['b', 2], ['c', 3]).toBytes());
    expect(doc.delete('b')).toBe(true);
    expect(doc.delete('b')).toBe(false);
    expect(BDoc.fromBytes(doc.toBytes()).keys()).toEqual(['a', 'c']);
  });
});
