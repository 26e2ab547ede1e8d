import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
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

/** MongoDB's codes for named operands: no document, an unknown name, then each required one missing. Others are 9. */
const NAMED_CODES: Readonly<Record<string, readonly number[]>> = {
  $cond: [16020, 17083, 17080, 17081, 17082],
  $let: [16874, 16875, 16876, 16877],
  $map: [16878, 16879, 16880, 16882],
  $filter: [28646, 28647, 28648, 28650],
  $reduce: [40075, 40076, 40077, 40078, 40079],
  $switch: [40060, 40067, 40068],
  '$switch branch': [40062, 40063, 40064, 40065],
  $trim: [50696, 50694, 50695],
  $ltrim: [50696, 50694, 50695],
  $rtrim: [50696, 50694, 50695],
  $replaceOne: [51751, 51750, 51749, 51748, 51747],
  $replaceAll: [51751, 51750, 51749, 51748, 51747],
  $regexMatch: [51103, 31024, 31022, 31023],
  $dateToString: [18629, 18534, 18628],
  $dateFromString: [40540, 40541, 40542],
  $setField: [4161100, 4161101, 4161102, 4161109, 4161103],
};

/** Named operands (`{input: ..., as: ...}`), checked against what the operator knows; `refused` are not supported. */
export function namedOperands(
  operand: BValue,
  name: string,
  required: readonly string[],
  optional: readonly string[] = [],
  refused: readonly string[] = [],
): Map<string, BValue> {
  const failed = (kind: number, message: string): CommandError =>
    new CommandError(NAMED_CODES[name]?.[kind] ?? 'FailedToParse', message);
  if (!(operand instanceof BDoc))
    throw failed(0, `${name} expects an object of named arguments as its operand`);
  const found = new Map(operand.entries());
  for (const key of found.keys()) {
    if (required.includes(key) || optional.includes(key)) continue;
    if (refused.includes(key)) throw unsupported(`'${key}' of ${name}`);
    throw failed(1, `Unrecognized argument to ${name}: ${key}`);
  }
  const missing = required.findIndex((key) => !found.has(key));
  if (missing >= 0) throw failed(2 + missing, `Missing '${required[missing]}' parameter to ${name}`);
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
