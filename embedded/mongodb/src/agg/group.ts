import { hashKey, type HashKey } from '../bson/hash-key.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { compileAccumulator, type Accumulator, type AccumulatorFactory } from './accumulators.js';
import type { Stage } from './stage.js';

interface Group {
  readonly id: BValue;
  readonly accumulators: Accumulator[];
}

export function groupStage(spec: BValue, ctx: EvalContext): Stage {
  if (!(spec instanceof BDoc)) {
    throw new CommandError(15947, "a group's fields must be specified in an object");
  }
  if (!spec.has('_id')) throw new CommandError(15955, 'a group specification must include an _id');
  const id = compileExpression(spec.get('_id')!, ctx);
  const { names, factories } = compileOutputs(spec, ctx);
  return function* (input) {
    const groups = new Map<HashKey, Group>();
    for (const doc of input) {
      const value = id(doc) ?? null;
      const key = hashKey(value);
      let group = groups.get(key);
      if (!group) groups.set(key, (group = { id: value, accumulators: factories.map((make) => make()) }));
      const { accumulators } = group;
      for (let i = 0; i < accumulators.length; i++) accumulators[i]!.add(doc);
    }
    for (const group of groups.values()) {
      yield BDoc.from(
        ['_id', ...names],
        [group.id, ...group.accumulators.map((one) => one.result() ?? null)],
      );
    }
  };
}

/** The fields of a `$group` (or the `output` of a `$bucket`) besides `_id`. */
export function compileOutputs(
  spec: BDoc,
  ctx: EvalContext,
): { names: string[]; factories: AccumulatorFactory[] } {
  const fields = spec.entries().filter(([name]) => name !== '_id');
  return {
    names: fields.map(([name]) => name),
    factories: fields.map(([name, value]) => compileOutput(name, value, ctx)),
  };
}

function compileOutput(name: string, value: BValue, ctx: EvalContext): AccumulatorFactory {
  if (name.includes('.')) throw new CommandError(40235, `The field name '${name}' cannot contain '.'`);
  if (name.startsWith('$'))
    throw new CommandError(40236, `The field name '${name}' cannot be an operator name`);
  if (!(value instanceof BDoc))
    throw new CommandError(40234, `The field '${name}' must be an accumulator object`);
  if (value.size !== 1) throw new CommandError(40238, `The field '${name}' must specify one accumulator`);
  const [accumulator, operand] = value.entries()[0]!;
  if (!accumulator.startsWith('$'))
    throw new CommandError(40234, `The field '${name}' must be an accumulator object`);
  return compileAccumulator(accumulator, operand, ctx);
}
