import { Decimal128, Double } from 'bson';
import { divide, integer } from './arithmetic.js';
import { add, decimalOf, decode, encode, exact, type Decimal } from './decimal.js';
import { double, isInt, isNumber } from './type-of.js';
import { type BValue } from './values.js';

/**
 * A running sum of numbers of all types. Integers and decimals are summed exactly, doubles in double-double arithmetic
 * (Knuth's two-sum); the answer has the widest type seen.
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
    if (!isNumber(value)) return;
    this.count++;
    if (isInt(value)) {
      const sum = this.small + value;
      if (Number.isSafeInteger(sum)) this.small = sum;
      else this.large += BigInt(value);
    } else if (typeof value === 'bigint') {
      this.sawLong = true;
      this.large += value;
    } else if (value instanceof Decimal128) {
      this.decimals = add(this.decimals ?? decimalOf(0n, 0), decode(value));
    } else {
      this.sawDouble = true;
      this.addDouble(value instanceof Double ? value.value : value);
    }
  }

  private addDouble(value: number): void {
    const sum = this.high + value;
    const part = sum - this.high;
    if (Number.isFinite(sum)) this.low += this.high - (sum - part) + (value - part);
    this.high = sum;
  }

  total(): BValue {
    const integers = this.large + BigInt(this.small);
    if (this.decimals) {
      const parts = [decimalOf(integers, 0), exact(this.high), exact(this.low)];
      return encode(parts.reduce(add, this.decimals));
    }
    if (this.sawDouble) return double(this.asDouble());
    const fitting = integer(integers);
    if (fitting === undefined) return double(Number(integers));
    return this.sawLong ? integers : fitting;
  }

  /** `null` if no number was seen. */
  average(): BValue {
    if (this.count === 0) return null;
    return this.decimals
      ? divide(this.total() as Decimal128, this.count)
      : double(this.asDouble() / this.count);
  }

  private asDouble(): number {
    const whole = new Sum();
    whole.addDouble(this.high);
    whole.addDouble(Number(this.large + BigInt(this.small)));
    return whole.high + (whole.low + this.low);
  }
}
