import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { namedOperands } from '../expr/operands.js';
import { compileSort, type SortKey } from '../query/sort.js';
import type { AccumulatorFactory } from './accumulators.js';
import { countOperand } from './count-operand.js';
import { insertSorted } from './insert-sorted.js';

interface Ranked {
  readonly key: SortKey;
  readonly output: BValue;
}

/** `$top`, `$bottom`, `$topN`, `$bottomN`; `null` for any other name. */
export function ranked(name: string, operand: BValue, ctx: EvalContext): AccumulatorFactory | null {
  if (!/^\$(top|bottom)N?$/.test(name)) return null;
  const many = name.endsWith('N');
  const operands = namedOperands(operand, name, many ? ['sortBy', 'output', 'n'] : ['sortBy', 'output']);
  const sortBy = operands.get('sortBy');
  if (!(sortBy instanceof BDoc))
    throw new CommandError(5788604, `expected 'sortBy' of ${name} to be an object`);
  const n = many ? countOperand(operands.get('n')!, name, ctx) : 1;
  const sort = compileSort(sortBy);
  const output = compileExpression(operands.get('output')!, ctx);
  const top = name.startsWith('$top');
  return () => {
    const best: Ranked[] = [];
    return {
      add: (doc) => {
        const item = { key: sort.key(doc), output: output(doc) ?? null };
        // The bottom is kept upside down; of equals the later one is nearer to it.
        if (top) insertSorted(best, item, n, (a, b) => sort.compareKeys(a.key, b.key));
        else insertSorted(best, item, n, (a, b) => sort.compareKeys(b.key, a.key) || 1);
      },
      result: () => {
        if (!many) return best[0]?.output;
        const outputs = best.map((one) => one.output);
        return top ? outputs : outputs.reverse();
      },
    };
  };
}
