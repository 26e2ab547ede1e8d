import { expectArray, expectDocument } from '../bson/expect.js';
import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { Compiler, Expression, OperatorTable, Value } from './compiler.js';
import { anyVariadic, namedOperands, unary } from './operands.js';

/** Expressions over documents. */
export const OBJECTS: OperatorTable = {
  $mergeObjects: anyVariadic(mergeObjects),
  $objectToArray: unary((value, name) => {
    const fields = expectDocument(value, 40390, name).entries();
    return fields.map(([k, v]) => BDoc.of(['k', k], ['v', v]));
  }),
  $arrayToObject: unary((array, name) => {
    const doc = BDoc.of();
    for (const pair of expectArray(array, 40386, name)) doc.set(...fieldOf(pair));
    return doc;
  }),
  $getField: (operand, compiler, name) => {
    const short = !(operand instanceof BDoc) || operand.keys()[0]?.startsWith('$');
    const args = short ? new Map([['field', operand]]) : namedOperands(operand, name, ['field'], ['input']);
    const field = constantName(args.get('field')!, name);
    const input = compiler.compile(args.get('input') ?? '$$CURRENT');
    return (scope) => {
      const value = input(scope);
      if (value instanceof BDoc) return value.get(field);
      return value === undefined || !isNullish(value) ? undefined : null;
    };
  },
  $setField: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['field', 'input', 'value']);
    return settingField(args, compiler, name, compiler.compile(args.get('value')!));
  },
  $unsetField: (operand, compiler, name) =>
    settingField(namedOperands(operand, name, ['field', 'input']), compiler, name, () => undefined),
};

/** A missing value removes the field. */
function settingField(
  args: Map<string, BValue>,
  compiler: Compiler,
  name: string,
  value: Expression,
): Expression {
  const field = constantName(args.get('field')!, name);
  const input = compiler.compile(args.get('input')!);
  return (scope) => {
    const target = input(scope);
    if (isNullish(target)) return null;
    const doc = expectDocument(target, 4161105, name).clone();
    const next = value(scope);
    if (next === undefined) doc.delete(field);
    else doc.set(field, next);
    return doc;
  };
}

/** The fields of all documents; of those with one name the last. Null and missing add nothing. */
export function mergeObjects(docs: readonly Value[], name: string): BDoc {
  const merged = BDoc.of();
  for (const doc of docs) {
    if (isNullish(doc)) continue;
    for (const [field, value] of expectDocument(doc, 40400, name).entries()) merged.set(field, value);
  }
  return merged;
}

/** A `[k, v]` pair or a `{k, v}` document. */
function fieldOf(pair: BValue): [string, BValue] {
  const list = pair instanceof BDoc && pair.size === 2 ? [pair.get('k'), pair.get('v')] : pair;
  if (Array.isArray(list) && list.length === 2 && typeof list[0] === 'string' && list[1] !== undefined) {
    return [list[0], list[1]];
  }
  throw new CommandError(40392, '$arrayToObject requires [k, v] pairs or {k, v} documents with string keys');
}

/** A field name: a constant string, possibly as `{$literal: '$name'}`. */
function constantName(operand: BValue, name: string): string {
  const literal =
    operand instanceof BDoc && operand.keys()[0] === '$literal' ? operand.get('$literal') : operand;
  if (typeof literal === 'string' && (literal !== operand || !literal.startsWith('$'))) return literal;
  throw new CommandError(5654602, `${name} requires 'field' to evaluate to a constant string`);
}
