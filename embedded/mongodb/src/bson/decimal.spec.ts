import { Decimal128 } from 'bson';
import { add, decode, divide, encode, multiply, negate, type Decimal } from './decimal.js';

const dec = (text: string): Decimal => decode(Decimal128.fromString(text));
const text = (value: Decimal): string => encode(value).toString();

describe('decimal128', () => {
  test.each([
    '0',
    '-0',
    '0E+6111',
    '0E-6176',
    '1',
    '-1.50',
    '1E-6176',
    '9.999999999999999999999999999999999E+6144',
    '1.000000000000000000000000000000000E+6144',
    '9999999999999999999999999999999999',
    'NaN',
    'Infinity',
    '-Infinity',
  ])('%s keeps its bytes', (value) => {
    const original = Decimal128.fromString(value);
    expect(encode(decode(original)).bytes).toEqual(Buffer.from(original.bytes));
  });

  test.each([
    ['0.1', '0.2', '0.3'],
    ['1.00', '2', '3.00'],
    ['1', '-1', '0'],
    ['-0', '-0', '-0'],
    ['9999999999999999999999999999999999', '1', '1.000000000000000000000000000000000E+34'],
    ['1E+100', '1E-100', '1.000000000000000000000000000000000E+100'],
    ['1E+6000', '1E-6000', '1.000000000000000000000000000000000E+6000'],
    ['9.999999999999999999999999999999999E+6144', '9E+6144', 'Infinity'],
    ['Infinity', '-Infinity', 'NaN'],
    ['Infinity', '5', 'Infinity'],
    ['NaN', '5', 'NaN'],
  ])('%s + %s = %s', (a, b, sum) => {
    expect(text(add(dec(a), dec(b)))).toBe(sum);
    expect(text(add(dec(b), dec(a)))).toBe(sum);
  });

  test.each([
    ['1.5', '2', '3.0'],
    ['-0', '5', '-0'],
    [
      '9999999999999999999999999999999999',
      '9999999999999999999999999999999999',
      '9.999999999999999999999999999999998E+67',
    ],
    ['1E-6000', '1E-6000', '0E-6176'],
    ['Infinity', '0', 'NaN'],
  ])('%s * %s = %s', (a, b, product) => {
    expect(text(multiply(dec(a), dec(b)))).toBe(product);
  });

  test.each([
    ['1', '3', '0.3333333333333333333333333333333333'],
    ['2', '3', '0.6666666666666666666666666666666667'],
    ['6', '2', '3'],
    ['1.00', '4', '0.25'],
    ['0', '5', '0'],
    ['5', 'Infinity', '0E-6176'],
    ['1', '-8', '-0.125'],
  ])('%s / %s = %s', (a, b, quotient) => {
    expect(text(divide(dec(a), dec(b)))).toBe(quotient);
  });

  test('a tie goes to the even digit', () => {
    const half = (digits: string): string => text(multiply(dec(digits), dec('0.5')));
    expect(half('2.000000000000000000000000000000001')).toBe('1.000000000000000000000000000000000');
    expect(half('2.000000000000000000000000000000003')).toBe('1.000000000000000000000000000000002');
    expect(text(negate(dec('1')))).toBe('-1');
  });
});
