import { isNumber, typeName } from '../bson/type-of.js';
import { isZero } from '../bson/arithmetic.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { EvalContext } from './context.js';
import { KNOWN_OPERATORS } from './known-operators.js';

/** A value, or `undefined` where the aggregation language says "missing". */
export type Value = BValue | undefined;

/** What an expression sees: the document and the variables bound around it, by slot. */
export interface Scope {
  root: BDoc;
  readonly locals: Value[];
}

export type Expression = (scope: Scope) => Value;

/** Compiles the operand of one operator. */
export type OperatorCompiler = (operand: BValue, compiler: Compiler, name: string) => Expression;
export type OperatorTable = Readonly<Record<string, OperatorCompiler>>;

/** Turns expressions of the aggregation language into closures. */
export class Compiler {
  private constructor(
    readonly ctx: EvalContext,
    private readonly operators: ReadonlyMap<string, OperatorCompiler>,
    private readonly slots: ReadonlyMap<string, number>,
    private readonly counter: { next: number },
  ) {}

  static create(ctx: EvalContext, operators: ReadonlyMap<string, OperatorCompiler>): Compiler {
    return new Compiler(ctx, operators, new Map(), { next: 0 });
  }

  /** A compiler that also knows the given variables, and the slot of each. */
  bind(names: readonly string[]): { compiler: Compiler; slots: number[] } {
    const slots = names.map(() => this.counter.next++);
    const all = new Map(this.slots);
    names.forEach((name, i) => all.set(name, slots[i]!));
    return { compiler: new Compiler(this.ctx, this.operators, all, this.counter), slots };
  }

  compile(value: BValue): Expression {
    if (typeof value === 'string' && value.startsWith('$')) return this.reference(value);
    if (value instanceof BDoc) return this.object(value);
    if (!Array.isArray(value)) return () => value;
    const elements = value.map((element) => this.compile(element));
    return (scope) => elements.map((element) => element(scope) ?? null);
  }

  private reference(text: string): Expression {
    if (!text.startsWith('$$')) return rootPath(fieldPath(text.slice(1)));
    const [name, ...path] = fieldPath(text.slice(2));
    const variable = this.variable(name!);
    if (path.length === 0) return variable;
    if (name === 'ROOT' || name === 'CURRENT') return rootPath(path);
    return (scope) => valueAt(variable(scope), path, 0);
  }

  private variable(name: string): Expression {
    const slot = this.slots.get(name);
    if (slot !== undefined) return (scope) => scope.locals[slot];
    const { vars, now, clusterTime } = this.ctx;
    if (vars.has(name)) return () => vars.get(name);
    switch (name) {
      case 'ROOT':
      case 'CURRENT':
        return (scope) => scope.root;
      case 'REMOVE':
        return () => undefined;
      case 'NOW':
        return () => now;
      case 'CLUSTER_TIME':
        if (!clusterTime) throw unsupported('$$CLUSTER_TIME here');
        return () => clusterTime;
      case 'DESCEND':
      case 'PRUNE':
      case 'KEEP':
      case 'SEARCH_META':
      case 'USER_ROLES':
        throw unsupported(`$$${name}`);
      default:
        throw new CommandError(17276, `Use of undefined variable: ${name}`);
    }
  }

  private object(value: BDoc): Expression {
    const entries = value.entries();
    const [first] = entries;
    if (first?.[0].startsWith('$')) {
      if (entries.length === 1) return this.operator(first[0], first[1]);
      throw new CommandError(
        15983,
        `an object representing an expression must have exactly one field, got ${entries.length}: ${value.keys().join(', ')}`,
      );
    }
    const fields = entries.map(([name, field]): [string, Expression] => [
      plainName(name),
      this.compile(field),
    ]);
    return (scope) => {
      const result = BDoc.of();
      for (const [name, field] of fields) {
        const computed = field(scope);
        if (computed !== undefined) result.set(name, computed);
      }
      return result;
    };
  }

  private operator(name: string, operand: BValue): Expression {
    const operator = this.operators.get(name);
    if (operator) return operator(operand, this, name);
    if (KNOWN_OPERATORS.has(name)) throw unsupported(`the expression ${name}`);
    throw new CommandError('InvalidPipelineOperator', `Unrecognized expression '${name}'`);
  }
}

function plainName(name: string): string {
  if (name === '') throw new CommandError(40352, 'FieldPath cannot be constructed with empty string');
  if (name.startsWith('$')) {
    throw new CommandError(
      16410,
      `FieldPath field names may not start with '$'. Consider using $getField or $setField. Got '${name}'`,
    );
  }
  if (name.includes('.')) {
    throw new CommandError(
      16412,
      `FieldPath field names may not contain '.'. Consider using $getField or $setField. Got '${name}'`,
    );
  }
  return name;
}

/** Splits and checks a dotted path. */
export function fieldPath(path: string): string[] {
  if (path === '') throw new CommandError(40352, 'FieldPath cannot be constructed with empty string');
  if (path.endsWith('.')) throw new CommandError(40353, `FieldPath must not end with a '.', got '${path}'`);
  const parts = path.split('.');
  for (const part of parts) {
    if (part === '')
      throw new CommandError(15998, `FieldPath field names may not be empty strings, got '${path}'`);
    if (/^\$(?!(ref|id|db)$)/.test(part)) {
      throw new CommandError(
        16410,
        `FieldPath field names may not start with '$'. Consider using $getField or $setField. Got '${path}'`,
      );
    }
    if (part.includes('\0'))
      throw new CommandError(16411, 'FieldPath field names may not contain null bytes');
  }
  return parts;
}

function rootPath(path: readonly string[]): Expression {
  const name = path[0]!;
  if (path.length === 1) return (scope) => scope.root.get(name);
  return (scope) => valueAt(scope.root, path, 0);
}

/** The value at a path; through an array it is the list of what its documents hold there. */
export function valueAt(value: Value, path: readonly string[], at: number): Value {
  if (value instanceof BDoc) {
    const field = value.get(path[at]!);
    return at === path.length - 1 ? field : valueAt(field, path, at + 1);
  }
  if (!Array.isArray(value)) return undefined;
  const found: BValue[] = [];
  for (const element of value) {
    const inside = element instanceof BDoc ? valueAt(element, path, at) : undefined;
    if (inside !== undefined) found.push(inside);
  }
  return found;
}

/** What `$cond`, `$and`, `$match: {$expr}` take for true: all but false, zero, null, undefined and missing. */
export function truthy(value: Value): boolean {
  if (value === undefined || value === null || value === false) return false;
  if (value === true || typeof value === 'string') return true;
  if (isNumber(value)) return !isZero(value);
  return typeName(value) !== 'undefined';
}
