import { isZero } from '../bson/arithmetic.js';
import { describe } from '../bson/expect.js';
import { isNullish, isNumber } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { FindQuery } from '../query/find.js';

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

/** Expressions of MongoDB 8.0 that this server refuses as unsupported rather than as unknown. */
export const NOT_HERE = new Set(
  (
    '$accumulator $function $meta $toHashedIndexKey $percentile $median $tsIncrement $tsSecond $binarySize $bsonSize ' +
    '$encStrContains $toUUID $sigmoid $bitAnd $bitOr $bitXor $bitNot $sin $cos $tan $asin $acos $atan $atan2 $sinh ' +
    '$cosh $tanh $asinh $acosh $atanh $degreesToRadians $radiansToDegrees $stdDevPop $stdDevSamp ' +
    '$indexOfBytes $indexOfCP $indexOfArray $strcasecmp $regexFind $regexFindAll $exp $ln $log $log10 $zip $sortArray ' +
    '$setEquals $firstN $lastN $minN $maxN $getField $unsetField $dateFromParts $dateToParts'
  ).split(' '),
);

/** Turns expressions of the aggregation language into closures. */
export class Compiler {
  constructor(
    readonly ctx: EvalContext,
    private readonly operators: OperatorTable,
    /** The slots of the variables around an expression, and the first slot that is free inside it. */
    private readonly slots: ReadonlyMap<string, number> = new Map(),
    private readonly free = 0,
  ) {}

  /** A compiler that also knows the given variables, which lie in slots from `first` on. */
  bind(names: readonly string[]): { compiler: Compiler; first: number } {
    const first = this.free;
    const slots = new Map([...this.slots, ...names.map((name, i) => [name, first + i] as const)]);
    return { compiler: new Compiler(this.ctx, this.operators, slots, first + names.length), first };
  }

  compile(value: BValue): Expression {
    if (typeof value === 'string' && value.startsWith('$')) return this.reference(value);
    if (value instanceof BDoc) return this.object(value);
    if (!Array.isArray(value)) return () => value;
    const elements = value.map((element) => this.compile(element));
    return (scope) => elements.map((element) => element(scope) ?? null);
  }

  private reference(text: string): Expression {
    if (text === '$') throw new CommandError(16872, "'$' by itself is not a valid FieldPath");
    if (!text.startsWith('$$')) return rootPath(fieldPath(text.slice(1)));
    const [name, ...path] = fieldPath(text.slice(2));
    const variable = this.variable(name!);
    return path.length === 0 ? variable : (scope) => valueAt(variable(scope), path, 0);
  }

  private variable(name: string): Expression {
    const slot = this.slots.get(name);
    if (slot !== undefined) return (scope) => scope.locals[slot];
    const { vars, now } = this.ctx;
    if (vars.has(name)) return () => vars.get(name);
    if (name === 'ROOT' || name === 'CURRENT') return (scope) => scope.root;
    if (name === 'REMOVE') return () => undefined;
    if (name === 'NOW') return () => now;
    if (/^(CLUSTER_TIME|DESCEND|PRUNE|KEEP|SEARCH_META|USER_ROLES)$/.test(name))
      throw unsupported(`$$${name}`);
    throw new CommandError(17276, `Use of undefined variable: ${name}`);
  }

  private object(value: BDoc): Expression {
    const entries = value.entries();
    const [first] = entries;
    if (first?.[0].startsWith('$')) {
      if (entries.length === 1) return this.operator(first[0], first[1]);
      const names = value.keys().join(', ');
      throw new CommandError(15983, `an expression object must have exactly one field, got ${names}`);
    }
    if (new Set(value.keys()).size < value.size)
      throw new CommandError(16406, `duplicate field name specified in object literal: ${describe(value)}`);
    const fields = entries.map(([name, field]) => [plainName(name), this.compile(field)] as const);
    return (scope) => {
      const names: string[] = [];
      const values: BValue[] = [];
      for (const [name, field] of fields) {
        const computed = field(scope);
        if (computed === undefined) continue;
        names.push(name);
        values.push(computed);
      }
      return BDoc.from(names, values);
    };
  }

  private operator(name: string, operand: BValue): Expression {
    if (Object.hasOwn(this.operators, name)) return this.operators[name]!(operand, this, name);
    if (NOT_HERE.has(name)) throw unsupported(`the expression ${name}`);
    throw new CommandError('InvalidPipelineOperator', `Unrecognized expression '${name}'`);
  }
}

/** Checks a name that stands for one field. */
export function plainName(name: string): string {
  if (name === '') throw new CommandError(15998, 'FieldPath field names may not be empty strings.');
  if (name.includes('.'))
    throw new CommandError(16412, `FieldPath field names may not contain '.', got '${name}'`);
  return fieldPath(name)[0]!;
}

/** Splits and checks a dotted path. */
export function fieldPath(path: string): string[] {
  if (path === '') throw new CommandError(40352, 'FieldPath cannot be constructed with empty string');
  if (path.endsWith('.')) throw new CommandError(40353, `FieldPath must not end with a '.', got '${path}'`);
  if (path.includes('\0')) throw new CommandError(16411, 'FieldPath field names may not contain null bytes');
  const parts = path.split('.');
  if (parts.includes(''))
    throw new CommandError(15998, `FieldPath field names may not be empty, got '${path}'`);
  if (parts.some((part) => /^\$(?!(ref|id|db)$)/.test(part)))
    throw new CommandError(16410, `FieldPath field names may not start with '$', got '${path}'`);
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
  const inside = value.map((element) => (element instanceof BDoc ? valueAt(element, path, at) : undefined));
  return inside.filter((found) => found !== undefined);
}

/** What `$cond`, `$and`, `$match: {$expr}` take for true: all but false, zero, null, undefined and missing. */
export function truthy(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  return isNumber(value) ? !isZero(value) : !isNullish(value);
}

/** What an operation fixes once for all its documents. */
export interface EvalContext {
  /** `$$NOW` and `$currentDate`. */
  readonly now: Date;
  /** Variables of the command's `let`, without `$$`. */
  readonly vars: ReadonlyMap<string, Value>;
}

/** What a pipeline may ask of the server. */
export interface PipelineContext extends EvalContext {
  readonly db: string;
  /** Documents of a collection of the same database, through an index where one helps. */
  find(collection: string, query: FindQuery, ctx: EvalContext): Iterable<BDoc>;
}
