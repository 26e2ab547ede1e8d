import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { Compiler, Expression, OperatorCompiler, Value } from './compiler.js';

/** The operands of an operator: a list, or one that stands alone. */
export function listOf(operand: BValue): BValue[] {
  return Array.isArray(operand) ? operand : [operand];
}

function checkCount(name: string, count: number, min: number, max: number): void {
  if (count >= min && count <= max) return;
  if (min === max) {
    throw new CommandError(
      16020,
      `Expression ${name} takes exactly ${min} arguments. ${count} were passed in.`,
    );
  }
  throw new CommandError(
    28667,
    `Expression ${name} takes at least ${min} arguments, and at most ${max}, but ${count} were passed in.`,
  );
}

/** An operator of one operand. */
export function unary(apply: (a: Value, name: string) => Value): OperatorCompiler {
  return (operand, compiler, name) => {
    const list = listOf(operand);
    checkCount(name, list.length, 1, 1);
    const a = compiler.compile(list[0]!);
    return (scope) => apply(a(scope), name);
  };
}

/** An operator of two operands. */
export function binary(apply: (a: Value, b: Value, name: string) => Value): OperatorCompiler {
  return (operand, compiler, name) => {
    const list = listOf(operand);
    checkCount(name, list.length, 2, 2);
    const a = compiler.compile(list[0]!);
    const b = compiler.compile(list[1]!);
    return (scope) => apply(a(scope), b(scope), name);
  };
}

/** An operator of `min` to `max` operands, all evaluated. */
export function variadic(
  apply: (args: Value[], name: string) => Value,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
): OperatorCompiler {
  return (operand, compiler, name) => {
    const list = listOf(operand);
    checkCount(name, list.length, min, max);
    const args = list.map((one) => compiler.compile(one));
    return (scope) =>
      apply(
        args.map((arg) => arg(scope)),
        name,
      );
  };
}

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
    if (!required.includes(key) && !optional.includes(key)) {
      throw new CommandError('FailedToParse', `Unrecognized argument to ${name}: ${key}`);
    }
  }
  for (const key of required) {
    if (!found.has(key)) throw new CommandError('FailedToParse', `Missing '${key}' parameter to ${name}`);
  }
  return found;
}

/** An operator of named operands that are all evaluated; an absent one is `undefined`. */
export function named(
  required: readonly string[],
  optional: readonly string[],
  apply: (args: Record<string, Value>, name: string) => Value,
): OperatorCompiler {
  return (operand, compiler, name) => {
    const fields = compileFields(namedOperands(operand, name, required, optional), compiler);
    return (scope) => {
      const args: Record<string, Value> = {};
      for (const [key, field] of fields) args[key] = field(scope);
      return apply(args, name);
    };
  };
}

function compileFields(operands: Map<string, BValue>, compiler: Compiler): [string, Expression][] {
  return [...operands].map(([key, value]) => [key, compiler.compile(value)]);
}
