import { isNullish } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { OperatorTable } from './compiler.js';
import { variadic } from './operands.js';
export const ARRAYS: OperatorTable = {
  $mergeObjects: variadic((args) => {
    const merged = BDoc.of();
    for (const arg of args) {
      if (isNullish(arg)) continue;
      if (!(arg instanceof BDoc)) throw new CommandError(40400, '$mergeObjects requires object inputs');
      for (const [name, value] of arg.entries()) merged.set(name, value);
    }
    return merged;
  }),
};
