import { BSONSymbol, Decimal128, Double, ObjectId } from 'bson';
import { hashKey } from './keystring.js';
import { BDoc, type BValue } from './values.js';

const dec = (text: string): Decimal128 => Decimal128.fromString(text);
/** Whether a Map would find `b` under the key of `a`. */
const same = (a: BValue | undefined, b: BValue | undefined): boolean =>
  new Map([[hashKey(a), 1]]).has(hashKey(b));

describe('a hash key', () => {
  test.each<[BValue | undefined, BValue | undefined]>([
    [5, new Double(5)],
    [5n, dec('5.00')],
    [0, -0],
    [dec('-0E+3'), 0],
    [NaN, dec('NaN')],
    [Infinity, dec('Infinity')],
    [-Infinity, dec('-Infinity')],
    [9007199254740993n, dec('9007199254740993')],
    [2 ** 63, dec('9223372036854775808')],
    [0.5, dec('0.50')],
    ['a', new BSONSymbol('a')],
    [
      [1, 2n],
      [1n, dec('2')],
    ],
    [BDoc.of(['a', [5, -0]], ['b', null]), BDoc.of(['a', [dec('5.0'), 0n]], ['b', null])],
    [new ObjectId('65f0c0de0000000000000000'), new ObjectId('65f0c0de0000000000000000')],
  ])('%p and %p are the same', (a, b) => {
    expect(same(a, b)).toBe(true);
  });

  test.each<[BValue | undefined, BValue | undefined]>([
    [9007199254740992, 9007199254740993n],
    [0.1, dec('0.1')],
    [Infinity, dec('1E+400')],
    [0, dec('1E-400')],
    [undefined, null],
    [0, false],
    ['1', 1],
    [BDoc.of(['a', 1], ['b', 2]), BDoc.of(['b', 2], ['a', 1])],
    [BDoc.of(['a', '1']), BDoc.of(['a', 1])],
    [BDoc.of(['a', []]), BDoc.of(['a', BDoc.of()])],
    [['s1', 's2'], ['s12']],
    [[[1], 2], [[1, 2]]],
    [[null], [undefined as unknown as BValue]],
    [['1;2'], [1, 2]],
    ['o65f0c0de0000000000000000', new ObjectId('65f0c0de0000000000000000')],
  ])('%p and %p differ', (a, b) => {
    expect(same(a, b)).toBe(false);
  });
});
