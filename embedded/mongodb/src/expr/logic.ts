import { compare } from '../bson/compare.js';
import { expectArray, expectDocument } from '../bson/expect.js';
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
import { anyBinary, anyUnary, listOf, namedOperands } from './operands.js';

const comparison = (holds: (order: number) => boolean): OperatorCompiler =>
  anyBinary((a, b) => holds(compare(a, b)));

/** Comparison, boolean and conditional expressions, variables and literals. */
export const LOGIC: OperatorTable = {
  $cmp: anyBinary((a, b) => Math.sign(compare(a, b))),
  $eq: comparison((order) => order === 0),
  $ne: comparison((order) => order !== 0),
  $gt: comparison((order) => order > 0),
  $gte: comparison((order) => order >= 0),
  $lt: comparison((order) => order < 0),
  $lte: comparison((order) => order <= 0),
  $not: anyUnary((a) => !truthy(a)),
  $and: (operand, compiler) => {
    const parts = listOf(operand).map((part) => compiler.compile(part));
    return (scope) => parts.every((part) => truthy(part(scope)));
  },
  $or: (operand, compiler) => {
    const parts = listOf(operand).map((part) => compiler.compile(part));
    return (scope) => parts.some((part) => truthy(part(scope)));
  },
  $cond: (operand, compiler) => {
    const [condition, yes, no] = conditionParts(operand).map((part) => compiler.compile(part));
    return (scope) => (truthy(condition!(scope)) ? yes!(scope) : no!(scope));
  },
  $ifNull: (operand, compiler) => {
    const parts = listOf(operand).map((part) => compiler.compile(part));
    const last = parts.pop();
    if (!last || parts.length === 0) throw new CommandError(1257300, '$ifNull needs at least two arguments');
    return (scope) => {
      for (const part of parts) {
        const value = part(scope);
        if (!isNullish(value)) return value;
      }
      return last(scope);
    };
  },
  $switch: compileSwitch,
  $let: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['vars', 'in']);
    const vars = expectDocument(args.get('vars'), 16876, 'vars of $let');
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
  $rand: () => () => Math.random(),
};

/** Checks the name of a user variable. */
export function variableName(name: string): string {
  if (/^[a-z\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*$/.test(name)) return name;
  throw new CommandError('FailedToParse', `'${name}' is no valid name of a user variable`);
}

function conditionParts(operand: BValue): BValue[] {
  const parts = operand instanceof BDoc ? namedOperands(operand, '$cond', ['if', 'then', 'else']) : undefined;
  const list = parts ? ['if', 'then', 'else'].map((key) => parts.get(key)!) : listOf(operand);
  if (list.length === 3) return list;
  throw new CommandError(16020, `Expression $cond takes exactly 3 arguments. ${list.length} were passed in.`);
}

function compileSwitch(operand: BValue, compiler: Compiler, name: string): Expression {
  const args = namedOperands(operand, name, ['branches'], ['default']);
  const branches = expectArray(args.get('branches'), 40061, 'branches of $switch');
  if (branches.length === 0) throw new CommandError(40068, '$switch requires at least one branch.');
  const compiled = branches.map((branch): [Expression, Expression] => {
    const parts = namedOperands(branch, '$switch branch', ['case', 'then']);
    return [compiler.compile(parts.get('case')!), compiler.compile(parts.get('then')!)];
  });
  const fallback = args.has('default') ? compiler.compile(args.get('default')!) : undefined;
  return (scope) => {
    const match = compiled.find(([condition]) => truthy(condition(scope)));
    if (match) return match[1](scope);
    if (fallback) return fallback(scope);
    throw new CommandError(40066, '$switch could not find a matching branch, and no default was specified.');
  };
}
