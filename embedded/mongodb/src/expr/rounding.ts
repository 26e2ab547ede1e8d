import { round as roundTo } from '../bson/arithmetic.js';
import type { Rounding } from '../bson/decimal.js';
import type { NumericValue } from '../bson/type-of.js';
import { CommandError } from '../errors.js';
export type RoundingMode = Rounding;
export function round(value: NumericValue, place: number, mode: RoundingMode): NumericValue {
  const r = roundTo(value, place, mode);
  if (r === undefined) throw new CommandError(51080, 'overflow');
  return r;
}
