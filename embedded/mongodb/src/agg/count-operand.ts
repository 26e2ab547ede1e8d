import { toSafeInteger } from '../bson/arithmetic.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';

/** The `n` of `$topN` and the like: a constant positive whole number. */
export function countOperand(operand: BValue, name: string, ctx: EvalContext): number {
  const n = toSafeInteger(compileExpression(operand, ctx)(BDoc.of()));
  if (n === undefined) {
    if (operand instanceof BDoc || typeof operand === 'string') {
      throw unsupported(`an n that depends on the group in ${name}`);
    }
    throw new CommandError(5787902, `Value for 'n' must be of integral type, but found ${typeName(operand)}`);
  }
  if (n <= 0) throw new CommandError(5787908, `'n' must be greater than 0, found ${n}`);
  return n;
}
