import { compare } from '../bson/compare.js';
import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import {
  truthy,
  type Compiler,
  type Expression,
  type OperatorCompiler,
  type OperatorTable,
} from './compiler.js';
import { binary, listOf, namedOperands, unary } from './operands.js';

const comparison = (holds: (order: number) => boolean): OperatorCompiler =>
  binary((a, b) => holds(compare(a, b)));

/** Comparison, boolean and conditional expressions, variables and literals. */
export const LOGIC: OperatorTable = {
  $cmp: binary((a, b) => Math.sign(compare(a, b))),
  $eq: comparison((order) => order === 0),
  $ne: comparison((order) => order !== 0),
  $gt: comparison((order) => order > 0),
  $gte: comparison((order) => order >= 0),
  $lt: comparison((order) => order < 0),
  $lte: comparison((order) => order <= 0),
  $not: unary((a) => !truthy(a)),
  $and: (operand, compiler) => {
    const parts = listOf(operand).map((part) => compiler.compile(part));
    return (scope) => parts.every((part) => truthy(part(scope)));
  },
  $or: (operand, compiler) => {
    const parts = listOf(operand).map((part) => compiler.compile(part));
    return (scope) => parts.some((part) => truthy(part(scope)));
  },
  $cond: (operand, compiler, name) => {
    const [condition, yes, no] = conditionParts(operand, name).map((part) => compiler.compile(part));
    return (scope) => (truthy(condition!(scope)) ? yes!(scope) : no!(scope));
  },
  $ifNull: (operand, compiler) => {
    const list = listOf(operand);
    if (list.length < 2) {
      throw new CommandError(1257300, `$ifNull needs at least two arguments, had: ${list.length}`);
    }
    const parts = list.map((part) => compiler.compile(part));
    const last = parts.pop()!;
    return (scope) => {
      for (const part of parts) {
        const value = part(scope);
        if (!isNullish(value)) return value;
      }
      return last(scope);
    };
  },
  $switch: (operand, compiler, name) => compileSwitch(operand, compiler, name),
  $let: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['vars', 'in']);
    const vars = args.get('vars');
    if (!(vars instanceof BDoc))
      throw new CommandError(16876, 'invalid parameter: expected an object (vars)');
    const values = vars.entries().map(([, value]) => compiler.compile(value));
    const { compiler: inner, slots } = compiler.bind(vars.keys().map(variableName));
    const body = inner.compile(args.get('in')!);
    return (scope) => {
      const computed = values.map((value) => value(scope));
      computed.forEach((value, i) => (scope.locals[slots[i]!] = value));
      return body(scope);
    };
  },
  $literal: (operand) => () => operand,
  $const: (operand) => () => operand,
  $rand: (operand) => {
    if (operand instanceof BDoc && operand.size > 0)
      throw new CommandError(3040501, '$rand does not currently accept arguments');
    return () => Math.random();
  },
};

/** Checks the name of a user variable. */
export function variableName(name: string): string {
  if (/^[a-z\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*$/.test(name)) return name;
  if (name === '') throw new CommandError('FailedToParse', 'empty variable names are not allowed');
  throw new CommandError(
    'FailedToParse',
    `'${name}' starts with an invalid character for a user variable name`,
  );
}

function conditionParts(operand: BValue, name: string): BValue[] {
  if (operand instanceof BDoc) {
    for (const key of operand.keys()) {
      if (!['if', 'then', 'else'].includes(key)) {
        throw new CommandError(17083, `Unrecognized parameter to $cond: ${key}`);
      }
    }
    const missing = (['if', 'then', 'else'] as const).find((key) => !operand.has(key));
    if (missing) throw new CommandError(17080, `Missing '${missing}' parameter to $cond`);
    return [operand.get('if')!, operand.get('then')!, operand.get('else')!];
  }
  const list = listOf(operand);
  if (list.length === 3) return list;
  throw new CommandError(
    16020,
    `Expression ${name} takes exactly 3 arguments. ${list.length} were passed in.`,
  );
}

function compileSwitch(operand: BValue, compiler: Compiler, name: string): Expression {
  const args = namedOperands(operand, name, ['branches'], ['default']);
  const branches = args.get('branches');
  if (!Array.isArray(branches)) throw new CommandError(40061, "$switch expected an array for 'branches'");
  if (branches.length === 0) throw new CommandError(40068, '$switch requires at least one branch.');
  const compiled = branches.map((branch): [Expression, Expression] => {
    const parts = namedOperands(branch, '$switch branch', ['case', 'then']);
    return [compiler.compile(parts.get('case')!), compiler.compile(parts.get('then')!)];
  });
  const fallback = args.has('default') ? compiler.compile(args.get('default')!) : undefined;
  return (scope) => {
    for (const [condition, then] of compiled) {
      if (truthy(condition(scope))) return then(scope);
    }
    if (fallback) return fallback(scope);
    throw new CommandError(
      40066,
      '$switch could not find a matching branch for an input, and no default was specified.',
    );
  };
}
