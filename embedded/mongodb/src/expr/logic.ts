import { expectArray, expectDocument } from '../bson/expect.js';
import { compare } from '../bson/keystring.js';
import { isNullish } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import { CommandError, failedToParse, unsupported } from '../errors.js';
import { truthy, type Expression, type OperatorCompiler, type OperatorTable } from './compiler.js';
import { lax, namedOperands, operandsOf } from './operands.js';

const comparison = (holds: (order: number) => boolean): OperatorCompiler =>
  lax(2, 2, ([a, b]) => holds(compare(a, b)));

/** Operands behind the one that decides are not evaluated. */
function junction(method: 'every' | 'some'): OperatorCompiler {
  return (operand, compiler, name) => {
    const parts = operandsOf(operand, compiler, name);
    return (scope) => parts[method]((part) => truthy(part(scope)));
  };
}

/** Comparison, boolean and conditional expressions, variables and literals. */
export const LOGIC: OperatorTable = {
  $cmp: lax(2, 2, ([a, b]) => Math.sign(compare(a, b))),
  $eq: comparison((order) => order === 0),
  $ne: comparison((order) => order !== 0),
  $gt: comparison((order) => order > 0),
  $gte: comparison((order) => order >= 0),
  $lt: comparison((order) => order < 0),
  $lte: comparison((order) => order <= 0),
  $not: lax(1, 1, ([a]) => !truthy(a)),
  $and: junction('every'),
  $or: junction('some'),
  $cond: (operand, compiler, name) => {
    const keys = ['if', 'then', 'else'];
    const parts = operand instanceof BDoc ? namedOperands(operand, name, keys) : undefined;
    const list = parts ? keys.map((key) => parts.get(key)!) : operand;
    const [condition, yes, no] = operandsOf(list, compiler, name, [3, 3]);
    return (scope) => (truthy(condition!(scope)) ? yes!(scope) : no!(scope));
  },
  $ifNull: (operand, compiler, name) => {
    const parts = operandsOf(operand, compiler, name);
    if (parts.length < 2) throw new CommandError(1257300, '$ifNull needs at least two arguments');
    return (scope) => {
      for (const part of parts.slice(0, -1)) {
        const value = part(scope);
        if (!isNullish(value)) return value;
      }
      return parts.at(-1)!(scope);
    };
  },
  $switch: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['branches'], ['default']);
    const branches = expectArray(args.get('branches'), 40061, 'branches of $switch').map((branch) => {
      const parts = namedOperands(branch, '$switch branch', ['case', 'then']);
      return ['case', 'then'].map((key) => compiler.compile(parts.get(key)!)) as [Expression, Expression];
    });
    if (branches.length === 0) throw new CommandError(40068, '$switch requires at least one branch.');
    const fallback = args.has('default') ? compiler.compile(args.get('default')!) : undefined;
    return (scope) => {
      const chosen = branches.find(([condition]) => truthy(condition(scope)))?.[1] ?? fallback;
      if (chosen) return chosen(scope);
      throw new CommandError(40066, '$switch found no matching branch, and there is no default');
    };
  },
  $let: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['vars', 'in']);
    const vars = expectDocument(args.get('vars'), 16876, 'vars of $let');
    const values = vars.entries().map(([, value]) => compiler.compile(value));
    const { compiler: inner, first } = compiler.bind(vars.keys().map(variableName));
    const body = inner.compile(args.get('in')!);
    return (scope) => {
      // Each is computed without the others, and may use their slots meanwhile.
      const computed = values.map((value) => value(scope));
      computed.forEach((value, i) => (scope.locals[first + i] = value));
      return body(scope);
    };
  },
  $literal: (operand) => () => operand,
  $const: (operand) => () => operand,
  $rand: () => () => Math.random(),
};

/** Checks the name of a user variable. */
export function variableName(name: string): string {
  if (name === 'CURRENT') throw unsupported('another $$CURRENT');
  if (/^[a-z\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*$/.test(name)) return name;
  throw failedToParse(`'${name}' is no valid name of a user variable`);
}
