import { expectArray, expectDocument, expectText } from '../bson/expect.js';
import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { accumulate } from './accumulators.js';
import type { OperatorTable } from './compiler.js';
import { lax, MANY, named, strict } from './operands.js';

/** Expressions over documents. */
export const OBJECTS: OperatorTable = {
  $mergeObjects: lax(0, MANY, (args, name) => accumulate(name, args)),
  $objectToArray: strict(1, 1, ([value], name) => {
    const fields = expectDocument(value, 40390, name).entries();
    return fields.map(([k, v]) => BDoc.of(['k', k], ['v', v]));
  }),
  $arrayToObject: strict(1, 1, ([array], name) => {
    const doc = BDoc.of();
    for (const pair of expectArray(array, 40386, name)) doc.set(...fieldOf(pair));
    return doc;
  }),
  $setField: (operand, compiler, name) => {
    const field = operand instanceof BDoc ? operand.get('field') : undefined;
    const isConstant =
      field instanceof BDoc ? field.has('$literal') : !(typeof field === 'string' && field[0] === '$');
    if (isConstant) return SET_FIELD(operand, compiler, name);
    throw new CommandError(5654602, `${name} requires 'field' to evaluate to a constant string`);
  },
};

const SET_FIELD = named(['field', 'input', 'value'], [], ({ field, input, value }, name) => {
  if (isNullish(input)) return null;
  const doc = expectDocument(input, 4161105, name).clone();
  const key = expectText(field, 5654602, `field of ${name}`);
  if (value === undefined) doc.delete(key);
  else doc.set(key, value);
  return doc;
});

/** A `[k, v]` pair or a `{k, v}` document. */
function fieldOf(pair: BValue): [string, BValue] {
  const list = pair instanceof BDoc && pair.size === 2 ? [pair.get('k'), pair.get('v')] : pair;
  if (Array.isArray(list) && list.length === 2 && typeof list[0] === 'string' && list[1] !== undefined)
    return [list[0], list[1]];
  throw new CommandError(40392, '$arrayToObject requires [k, v] pairs or {k, v} documents with string keys');
}
