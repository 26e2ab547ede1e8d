import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { OperatorCompiler, Value } from './compiler.js';

/** The operands of an operator: a list, or one that stands alone. */
export function listOf(operand: BValue): BValue[] {
  return Array.isArray(operand) ? operand : [operand];
}

function checkCount(name: string, count: number, min: number, max: number): void {
  if (count >= min && count <= max) return;
  const expected = min === max ? `exactly ${min}` : `${min} to ${max}`;
  const code = min === max ? 16020 : 28667;
  throw new CommandError(code, `Expression ${name} takes ${expected} arguments. ${count} were passed in.`);
}

type Apply1 = (a: Value, name: string) => Value;
type Apply2 = (a: Value, b: Value, name: string) => Value;
type ApplyAll = (args: Value[], name: string) => Value;

/** An operator of one operand, which may be null or missing. */
export function anyUnary(apply: Apply1): OperatorCompiler {
  return (operand, compiler, name) => {
    const list = listOf(operand);
    checkCount(name, list.length, 1, 1);
    const a = compiler.compile(list[0]!);
    return (scope) => apply(a(scope), name);
  };
}

/** An operator of two operands, which may be null or missing. */
export function anyBinary(apply: Apply2): OperatorCompiler {
  return (operand, compiler, name) => {
    const list = listOf(operand);
    checkCount(name, list.length, 2, 2);
    const a = compiler.compile(list[0]!);
    const b = compiler.compile(list[1]!);
    return (scope) => apply(a(scope), b(scope), name);
  };
}

/** An operator of `min` to `max` operands, which may be null or missing. */
export function anyVariadic(apply: ApplyAll, min = 0, max = Number.MAX_SAFE_INTEGER): OperatorCompiler {
  return (operand, compiler, name) => {
    const list = listOf(operand);
    checkCount(name, list.length, min, max);
    const args = list.map((one) => compiler.compile(one));
    const evaluated = (scope: Parameters<(typeof args)[0]>[0]): Value[] => args.map((arg) => arg(scope));
    return (scope) => apply(evaluated(scope), name);
  };
}

/** The same where a null or missing operand makes the answer null. */
export const unary = (apply: (a: BValue, name: string) => Value): OperatorCompiler =>
  anyUnary((a, name) => (isNullish(a) ? null : apply(a as BValue, name)));
export const binary = (apply: (a: BValue, b: BValue, name: string) => Value): OperatorCompiler =>
  anyBinary((a, b, name) => (isNullish(a) || isNullish(b) ? null : apply(a as BValue, b as BValue, name)));
export const variadic = (
  apply: (args: BValue[], name: string) => Value,
  min?: number,
  max?: number,
): OperatorCompiler =>
  anyVariadic((args, name) => (args.some(isNullish) ? null : apply(args as BValue[], name)), min, max);

/** Named operands (`{input: ..., as: ...}`), checked against what the operator knows. */
export function namedOperands(
  operand: BValue,
  name: string,
  required: readonly string[],
  optional: readonly string[] = [],
): Map<string, BValue> {
  if (!(operand instanceof BDoc)) {
    throw new CommandError('FailedToParse', `${name} expects an object of named arguments as its operand`);
  }
  const found = new Map(operand.entries());
  for (const key of found.keys()) {
    if (required.includes(key) || optional.includes(key)) continue;
    throw new CommandError('FailedToParse', `Unrecognized argument to ${name}: ${key}`);
  }
  const missing = required.find((key) => !found.has(key));
  if (missing) throw new CommandError('FailedToParse', `Missing '${missing}' parameter to ${name}`);
  return found;
}

/** An operator of named operands that are all evaluated; an absent one has no entry. */
export function named(
  required: readonly string[],
  optional: readonly string[],
  apply: (args: Record<string, Value>, name: string) => Value,
): OperatorCompiler {
  return (operand, compiler, name) => {
    const operands = [...namedOperands(operand, name, required, optional)];
    const fields = operands.map(([key, value]) => ({ key, expression: compiler.compile(value) }));
    return (scope) => {
      const args: Record<string, Value> = {};
      for (const { key, expression } of fields) args[key] = expression(scope);
      return apply(args, name);
    };
  };
}

/** The answer of `attempt`, or of `onError` (if there is one) where a conversion fails. */
export function orElse(attempt: () => Value, onError: (() => Value) | undefined): Value {
  try {
    return attempt();
  } catch (error) {
    if (onError && error instanceof CommandError && error.codeName === 'ConversionFailure') return onError();
    throw error;
  }
}
