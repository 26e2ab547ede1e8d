import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported, failedToParse } from '../errors.js';
import type { Compiler, Expression, OperatorCompiler, Value } from './compiler.js';

/** For operators of any number of operands. */
export const MANY = Number.MAX_SAFE_INTEGER;

/** The operands of an operator, a list or one that stands alone, compiled. */
export function operandsOf(
  operand: BValue,
  compiler: Compiler,
  name: string,
  [min, max]: readonly [number, number] = [0, MANY],
): Expression[] {
  const list = Array.isArray(operand) ? operand : [operand];
  if (list.length >= min && list.length <= max) return list.map((one) => compiler.compile(one));
  throw new CommandError(
    min === max ? 16020 : 28667,
    `Expression ${name} takes ${min === max ? `exactly ${min}` : `${min} to ${max}`} arguments. ${list.length} were passed in.`,
  );
}

type Apply = (args: Value[], name: string) => Value;

/** An operator of `min` to `max` operands, which may be null or missing. */
export function lax(min: number, max: number, apply: Apply): OperatorCompiler {
  return (operand, compiler, name) => {
    const args = operandsOf(operand, compiler, name, [min, max]);
    return (scope) =>
      apply(
        args.map((arg) => arg(scope)),
        name,
      );
  };
}

/** The same where a null or missing operand makes the answer null. */
export const strict = (min: number, max: number, apply: Apply): OperatorCompiler =>
  lax(min, max, (args, name) => (args.some(isNullish) ? null : apply(args, name)));

/** An operator of any number of operands, checked in order up to the first that is null or missing: then it is null. */
export function inOrder<T>(
  check: (arg: BValue, name: string) => T,
  apply: (args: T[]) => Value,
): OperatorCompiler {
  return lax(0, MANY, (args, name) => {
    const checked: T[] = [];
    for (const arg of args) {
      if (isNullish(arg)) return null;
      checked.push(check(arg, name));
    }
    return apply(checked);
  });
}

/** Named operands (`{input: ..., as: ...}`), checked against what the operator knows; `refused` are not supported. */
export function namedOperands(
  operand: BValue,
  name: string,
  required: readonly string[],
  optional: readonly string[] = [],
  refused: readonly string[] = [],
): Map<string, BValue> {
  if (!(operand instanceof BDoc))
    throw failedToParse(`${name} expects an object of named arguments as its operand`);
  const found = new Map(operand.entries());
  for (const key of found.keys()) {
    if (required.includes(key) || optional.includes(key)) continue;
    if (refused.includes(key)) throw unsupported(`'${key}' of ${name}`);
    throw failedToParse(`Unrecognized argument to ${name}: ${key}`);
  }
  const missing = required.find((key) => !found.has(key));
  if (missing) throw failedToParse(`Missing '${missing}' parameter to ${name}`);
  return found;
}

/** An operator of named operands that are all evaluated; an absent one has no entry. */
export function named(
  required: readonly string[],
  optional: readonly string[],
  apply: (args: Record<string, Value>, name: string) => Value,
  refused?: readonly string[],
): OperatorCompiler {
  return (operand, compiler, name) => {
    const operands = namedOperands(operand, name, required, optional, refused);
    const fields = [...operands].map(([key, value]) => [key, compiler.compile(value)] as const);
    return (scope) => {
      const args: Record<string, Value> = {};
      for (const [key, expression] of fields) args[key] = expression(scope);
      return apply(args, name);
    };
  };
}
