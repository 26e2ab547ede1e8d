import { hashKey, type HashKey } from '../bson/hash-key.js';
import { isNullish, typeNameOrMissing } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { arrayOperand, documentOperand } from './arrays.js';
import type { Compiler, Expression, OperatorTable, Value } from './compiler.js';
import { binary, namedOperands, unary, variadic } from './operands.js';

/** Expressions over arrays as sets, and over documents. */
export const SETS_AND_OBJECTS: OperatorTable = {
  $setUnion: variadic((args, name) => {
    if (args.some(isNullish)) return null;
    const all = args.flatMap((arg) => arrayOperand(arg, name, 17043));
    return [...new Map(all.map((value) => [hashKey(value), value])).values()];
  }),
  $setIntersection: variadic((args, name) => {
    if (args.some(isNullish)) return null;
    const [first, ...others] = args.map((arg) => arrayOperand(arg, name, 17047));
    const sets = others.map(keysOf);
    return distinct(first ?? []).filter((value) => sets.every((set) => set.has(hashKey(value))));
  }),
  $setDifference: binary((a, b, name) => {
    if (isNullish(a) || isNullish(b)) return null;
    const remove = keysOf(arrayOperand(b, name, 17049));
    return distinct(arrayOperand(a, name, 17048)).filter((value) => !remove.has(hashKey(value)));
  }),
  $setEquals: variadic((args, name) => {
    const sets = args.map((arg) => keysOf(arrayOperand(arg, name, 17044)));
    return sets.every((set) => set.size === sets[0]!.size && [...set].every((key) => sets[0]!.has(key)));
  }, 2),
  $setIsSubset: binary((a, b, name) => {
    const large = keysOf(arrayOperand(b, name, 17042));
    return arrayOperand(a, name, 17046).every((value) => large.has(hashKey(value)));
  }),
  $mergeObjects: variadic((args, name) => {
    const merged = BDoc.of();
    for (const arg of args) {
      if (isNullish(arg)) continue;
      for (const [field, value] of documentOperand(arg, name, 40400).entries()) merged.set(field, value);
    }
    return merged;
  }),
  $objectToArray: unary((value, name) => {
    if (isNullish(value)) return null;
    return documentOperand(value, name, 40390)
      .entries()
      .map(([k, v]) => BDoc.of(['k', k], ['v', v]));
  }),
  $arrayToObject: unary((array, name) => {
    if (isNullish(array)) return null;
    const doc = BDoc.of();
    for (const pair of arrayOperand(array, name, 40386)) doc.set(...fieldOf(pair));
    return doc;
  }),
  $getField: (operand, compiler, name) => {
    const short = !(operand instanceof BDoc) || operand.keys()[0]?.startsWith('$');
    const args = short ? new Map([['field', operand]]) : namedOperands(operand, name, ['field'], ['input']);
    const field = constantName(args.get('field')!, compiler, name);
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

function keysOf(values: readonly BValue[]): Set<HashKey> {
  return new Set(values.map(hashKey));
}

function distinct(values: readonly BValue[]): BValue[] {
  const seen = new Set<HashKey>();
  return values.filter((value) => {
    const key = hashKey(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A `[k, v]` pair or a `{k, v}` document. */
function fieldOf(pair: BValue): [string, BValue] {
  const [key, value, size] =
    pair instanceof BDoc
      ? [pair.get('k'), pair.get('v'), pair.size]
      : Array.isArray(pair)
        ? [pair[0], pair[1], pair.length]
        : [undefined, undefined, 0];
  if (size !== 2 || typeof key !== 'string' || value === undefined) {
    throw new CommandError(
      40392,
      `$arrayToObject requires an array of [k, v] pairs or {k, v} documents with string keys, got ${typeNameOrMissing(pair)}`,
    );
  }
  return [key, value];
}

/** A field name: a constant string, possibly as `{$literal: '$name'}`. */
function constantName(operand: BValue, compiler: Compiler, name: string): string {
  const literal =
    operand instanceof BDoc && operand.keys()[0] === '$literal' ? operand.get('$literal') : operand;
  if (typeof literal === 'string' && (literal !== operand || !literal.startsWith('$'))) return literal;
  compiler.compile(operand);
  throw new CommandError(5654602, `${name} requires 'field' to evaluate to a constant string`);
}

function settingField(
  args: Map<string, BValue>,
  compiler: Compiler,
  name: string,
  value: Expression,
): Expression {
  const field = constantName(args.get('field')!, compiler, name);
  const input = compiler.compile(args.get('input')!);
  return (scope): Value => {
    const target = input(scope);
    if (isNullish(target)) return null;
    const doc = documentOperand(target, name, 4161105).clone();
    const next = value(scope);
    if (next === undefined) doc.delete(field);
    else doc.set(field, next);
    return doc;
  };
}
