import { Decimal128, Double } from 'bson';
import { divide, integer } from './arithmetic.js';
import * as decimal from './decimal.js';
import { finite, type Decimal } from './decimal.js';
import { exactDecimal } from './number-order.js';
import { isNumber } from './type-of.js';
import { double, type BValue } from './values.js';

/**
 * A running sum of numbers of all types. Integers are summed exactly, doubles in double-double arithmetic (Knuth's
 * two-sum), decimals as decimals; the answer has the widest type seen.
 */
export class Sum {
  count = 0;
  private small = 0;
  private large = 0n;
  private sawLong = false;
  private sawDouble = false;
  private high = 0;
  private low = 0;
  private decimals: Decimal | undefined;

  /** Adds a number; anything else is ignored. */
  add(value: BValue | undefined): void {
    if (typeof value === 'number') {
      this.count++;
      if ((value | 0) === value && !Object.is(value, -0)) this.addInteger(value);
      else this.addDouble(value);
    } else if (value !== undefined && isNumber(value)) {
      this.count++;
      this.addWide(value);
    }
  }

  private addInteger(value: number): void {
    const sum = this.small + value;
    if (Number.isSafeInteger(sum)) {
      this.small = sum;
    } else {
      this.large += BigInt(this.small) + BigInt(value);
      this.small = 0;
    }
  }

  private addDouble(value: number): void {
    this.sawDouble = true;
    this.twoSum(value);
  }

  private twoSum(value: number): void {
    const sum = this.high + value;
    const part = sum - this.high;
    if (Number.isFinite(sum)) this.low += this.high - (sum - part) + (value - part);
    this.high = sum;
  }

  private addWide(value: bigint | Double | Decimal128): void {
    if (typeof value === 'bigint') {
      this.sawLong = true;
      this.large += value;
    } else if (value instanceof Double) {
      this.addDouble(value.value);
    } else {
      this.decimals = decimal.add(this.decimals ?? finite(0n, 0), decimal.decode(value));
    }
  }

  total(): BValue {
    const integers = this.large + BigInt(this.small);
    if (this.decimals) return this.decimalTotal(this.decimals, integers);
    if (this.sawDouble) return double(this.doubleTotal(integers));
    const fitting = this.sawLong ? long(integers) : integer(integers);
    return fitting ?? double(Number(integers));
  }

  /** `null` if no number was seen. */
  average(): BValue {
    if (this.count === 0) return null;
    const total = this.total();
    if (total instanceof Decimal128) return divide(total, this.count);
    return double(this.doubleTotal(this.large + BigInt(this.small)) / this.count);
  }

  private doubleTotal(integers: bigint): number {
    if (integers === 0n) return this.high + this.low;
    const whole = new Sum();
    whole.high = this.high;
    whole.low = this.low;
    whole.twoSum(Number(integers));
    return whole.high + whole.low;
  }

  private decimalTotal(decimals: Decimal, integers: bigint): Decimal128 {
    let total = decimal.add(decimals, finite(integers, 0));
    for (const part of [this.high, this.low]) if (part !== 0) total = decimal.add(total, exactDecimal(part));
    return decimal.encode(total);
  }
}

const long = (value: bigint): bigint | undefined => (BigInt.asIntN(64, value) === value ? value : undefined);

/** Standard deviation by Welford's method, in doubles. */
export class Deviation {
  private count = 0;
  private mean = 0;
  private squares = 0;

  add(value: BValue | undefined): void {
    if (!isNumber(value)) return;
    const number = Number(value instanceof Decimal128 ? value.toString() : value);
    this.count++;
    const delta = number - this.mean;
    this.mean += delta / this.count;
    this.squares += delta * (number - this.mean);
  }

  /** Over the whole population, or estimated from a sample; `null` for too few numbers. */
  result(of: 'population' | 'sample'): BValue {
    const divisor = of === 'population' ? this.count : this.count - 1;
    return divisor <= 0 ? null : double(Math.sqrt(this.squares / divisor));
  }
}
