import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'bson';
import { compare, keyString } from './keystring.js';
import { DBPointer, double, UNDEFINED } from './type-of.js';
import { typeRank } from './types.js';
import { BDoc, type BValue } from './values.js';

const dec = (text: string): Decimal128 => Decimal128.fromString(text);
const order = (a: BValue | undefined, b: BValue | undefined): number =>
  Math.sign(Buffer.compare(keyString([a]), keyString([b])));

/** A repeatable generator (mulberry32), so that a failure can be seen again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const TEXTS = ['', 'a', 'a\0', 'a\0b', 'ab', 'b', 'é', '\ufffd', '\u{1f600}', 'z\u{10ffff}'];
const ID = new ObjectId('56e1fc72e0c917e9c4714161');

function randomValue(next: () => number, depth = 0): BValue {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const small = (): number => Math.floor(next() * 5) - 2;
  const kinds: (() => BValue)[] = [
    () => small(),
    () => double(small()),
    () => next() * 4 - 2,
    () => BigInt(small()),
    () => 2n ** 53n + BigInt(small()),
    () => -(2n ** 63n) + BigInt(Math.floor(next() * 3)),
    () => 2 ** 53 + small() * 2,
    () => dec(`${small()}.${pick(['0', '00', '1', '5', '50', '000000000000000000000000001'])}`),
    () =>
      dec(
        `${pick(['9007199254740993', '-9007199254740993', '1E-400', '-1E-400', '1E400', '0.1', '5E-324'])}`,
      ),
    () => pick([NaN, Infinity, -Infinity, -0, 0.1, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE]),
    () => pick([dec('NaN'), dec('Infinity'), dec('-Infinity'), dec('-0'), dec('0E+10')]),
    () => pick(TEXTS),
    () => new BSONSymbol(pick(TEXTS)),
    () => pick([true, false, null, UNDEFINED, new MinKey(), new MaxKey()]),
    () => new Date(small() * 1000),
    () => new Timestamp({ t: pick([0, 1, 4294967295]), i: pick([0, 1, 4294967295]) }),
    () => pick([ID, new ObjectId('000000000000000000000000'), new ObjectId('ffffffffffffffffffffffff')]),
    () => new Binary(Buffer.from(pick(['', '00', 'ff', 'fe', '00ff']), 'hex'), pick([0, 4, 128])),
    () => new BSONRegExp(pick(['a', 'b']), pick(['', 'i'])),
    () => new DBPointer(pick(['a', 'b', 'aa']), ID),
    () => new Code(pick(['a', 'b'])),
    () => new Code('a', BDoc.of(['x', small()])),
  ];
  const nested: (() => BValue)[] = [
    () => Array.from({ length: Math.floor(next() * 3) }, () => randomValue(next, depth + 1)),
    () =>
      BDoc.of(
        ...Array.from({ length: Math.floor(next() * 3) }, (): [string, BValue] => [
          pick(['a', 'b', 'a\u{1f600}', '']),
          randomValue(next, depth + 1),
        ]),
      ),
  ];
  return pick(depth < 3 ? [...kinds, ...nested, ...nested, ...nested] : kinds)();
}

/** The order as MongoDB describes it, composite values by their parts. */
function expectedOrder(a: BValue | undefined, b: BValue | undefined): number {
  const ranks = typeRank(a) - typeRank(b);
  if (ranks !== 0) return ranks;
  if (Array.isArray(a)) return inOrder(a, b as BValue[], expectedOrder);
  if (a instanceof BDoc) return inOrder(a.entries(), (b as BDoc).entries(), fieldOrder);
  if (a instanceof Binary) {
    const other = b as Binary;
    return a.position - other.position || a.sub_type - other.sub_type || textOrder(hexOf(a), hexOf(other));
  }
  if (a instanceof Timestamp) return a.compare(b as Timestamp);
  if (a instanceof DBPointer)
    return a.ns.length - (b as DBPointer).ns.length || textOrder(a.ns, (b as DBPointer).ns);
  if (a instanceof BSONRegExp) {
    const other = b as BSONRegExp;
    return textOrder(a.pattern, other.pattern) || textOrder(a.options, other.options);
  }
  if (a instanceof Code) {
    const other = b as Code;
    return (
      textOrder(a.code, other.code) || (a.scope ? expectedOrder(a.scope as BDoc, other.scope as BDoc) : 0)
    );
  }
  if (typeof a === 'boolean') return Number(a) - Number(b);
  const [text, other] = [a, b].map((one) => (one instanceof BSONSymbol ? one.value : one));
  return typeof text === 'string' ? textOrder(text, other as string) : compare(a, b);
}
const fieldOrder = ([name, a]: [string, BValue], [other, b]: [string, BValue]): number =>
  typeRank(a) - typeRank(b) || textOrder(name, other) || expectedOrder(a, b);
const textOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const hexOf = (value: Binary): string => value.toString('hex');
function inOrder<T>(a: readonly T[], b: readonly T[], order: (a: T, b: T) => number): number {
  const at = a.findIndex((one, i) => i < b.length && order(one, b[i]!) !== 0);
  return at < 0 ? a.length - b.length : order(a[at]!, b[at]!);
}

describe('KeyString', () => {
  test('orders 100,000 random pairs by their types and parts', () => {
    const next = generator(20_240_801);
    for (let i = 0; i < 100_000; i++) {
      const a = randomValue(next);
      const b = randomValue(next);
      const expected = Math.sign(expectedOrder(a, b));
      if (order(a, b) !== expected || Math.sign(compare(b, a)) !== (expected === 0 ? 0 : -expected)) {
        throw new Error(`${JSON.stringify([a, b])}: expected ${expected}, KeyString ${order(a, b)}`);
      }
    }
  });

  test('orders compound keys as their parts with their directions', () => {
    const next = generator(7);
    const directions = [1, -1, 1] as const;
    for (let i = 0; i < 5_000; i++) {
      const a = [randomValue(next), randomValue(next), randomValue(next)];
      const b = [
        next() < 0.5 ? a[0]! : randomValue(next),
        next() < 0.5 ? a[1]! : randomValue(next),
        randomValue(next),
      ];
      const expected =
        a.map((value, at) => Math.sign(compare(value, b[at])) * directions[at]!).find(Boolean) ?? 0;
      expect(Math.sign(Buffer.compare(keyString(a, directions), keyString(b, directions)))).toBe(expected);
    }
  });

  test('5, 5.0, Long 5 and Decimal 5.00 share one key', () => {
    const keys = [5, new Double(5), 5n, dec('5.00'), dec('5'), dec('0.5E+1')].map((v) =>
      keyString([v]).toString('hex'),
    );
    expect(new Set(keys).size).toBe(1);
  });

  const ascending: (BValue | undefined)[] = [
    new MinKey(),
    undefined,
    null,
    NaN,
    -Infinity,
    dec('-1E+400'),
    -Number.MAX_VALUE,
    -(2n ** 63n),
    -9007199254740993n,
    -9007199254740992,
    -1,
    -5e-324,
    dec('-1E-400'),
    0,
    dec('1E-6176'),
    5e-324,
    dec('0.1'),
    0.1,
    1,
    9007199254740992,
    9007199254740993n,
    dec('9007199254740993.5'),
    9007199254740994n,
    9223372036854775807n,
    2 ** 63,
    Number.MAX_VALUE,
    dec('1E+6000'),
    Infinity,
    '',
    'a',
    'a\0',
    'ab',
    'é',
    '\ufffd',
    '\u{1f600}',
    BDoc.of(),
    BDoc.of(['b', 1]),
    BDoc.of(['b', 1], ['a', 1]),
    BDoc.of(['a', 'text']),
    [],
    [1],
    [1, 1],
    [2],
    ['a'],
    new Binary(Buffer.from('ff', 'hex'), 0),
    new Binary(Buffer.from('00', 'hex'), 4),
    new Binary(Buffer.from('0000', 'hex'), 0),
    ID,
    false,
    true,
    new Date(-1),
    new Date(0),
    new Timestamp({ t: 1, i: 0 }),
    new Timestamp({ t: 4294967295, i: 0 }),
    new BSONRegExp('a', 'i'),
    new DBPointer('a', ID),
    new Code('a'),
    new Code('a', BDoc.of()),
    new MaxKey(),
  ];

  test('every type and every hard number stands in its place', () => {
    for (let i = 1; i < ascending.length; i++) {
      expect([i, order(ascending[i - 1], ascending[i])]).toEqual([i, -1]);
      expect([i, Math.sign(compare(ascending[i - 1], ascending[i]))]).toEqual([i, -1]);
    }
  });

  test.each<[string, BValue | undefined, BValue | undefined]>([
    ['a string and a symbol', 'a', new BSONSymbol('a')],
    ['0 and -0', 0, -0],
    ['NaN of both kinds', NaN, dec('NaN')],
    ['decimal zeros', dec('0E+10'), dec('-0')],
    ['the exact decimal of a double', 0.5, dec('0.50')],
  ])('%s are equal', (_name, a, b) => {
    expect(order(a, b)).toBe(0);
    expect(compare(a, b)).toBe(0);
  });

  test('documents with the same fields in another order differ', () => {
    expect(compare(BDoc.of(['x', 1], ['y', 2]), BDoc.of(['y', 2], ['x', 1]))).not.toBe(0);
  });
});
