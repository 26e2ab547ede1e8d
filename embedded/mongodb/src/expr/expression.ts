import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { ARRAYS, OBJECTS } from './arrays.js';
import { Compiler, NOT_HERE, truthy } from './compiler.js';
import type { EvalContext, OperatorTable, Scope, Value } from './compiler.js';
import { CONVERSION } from './conversion.js';
import { DATES } from './dates.js';
import { LOGIC, variableName } from './logic.js';
import { NUMBERS } from './numbers.js';
import { STRINGS } from './strings.js';

const OPERATORS: OperatorTable = {
  ...LOGIC,
  ...NUMBERS,
  ...ARRAYS,
  ...OBJECTS,
  ...STRINGS,
  ...CONVERSION,
  ...DATES,
};

/** Whether no expression of MongoDB has that name. */
export const isUnknown = (name: string): boolean => !Object.hasOwn(OPERATORS, name) && !NOT_HERE.has(name);

/** A compiled expression of the aggregation language, asked per document. */
export type DocumentExpression = (doc: BDoc) => Value;

export function compileExpression(value: BValue, ctx: EvalContext): DocumentExpression {
  const expression = new Compiler(ctx, OPERATORS).compile(value);
  // One scope for all documents: an evaluation ends before the next begins.
  const scope: Scope = { root: undefined as unknown as BDoc, locals: [] };
  return (doc) => {
    scope.root = doc;
    return expression(scope);
  };
}

/** The truth of an expression, as in `$match: {$expr: ...}`. */
export function compilePredicate(value: BValue, ctx: EvalContext): (doc: BDoc) => boolean {
  const expression = compileExpression(value, ctx);
  return (doc) => truthy(expression(doc));
}

/** What one operation sees: one `$$NOW`, and its `let`: constant expressions, each of which sees those before it. */
export function evalContext(definitions?: BDoc): EvalContext {
  const now = new Date();
  const vars = new Map<string, Value>();
  for (const [name, value] of definitions?.entries() ?? [])
    vars.set(variableName(name), constant(value, { now, vars }, 4890500));
  return { now, vars };
}

/** The value of an expression that must not read a document; where it does, the error has the given code. */
export function constant(value: BValue, ctx: EvalContext, code: number): Value {
  const noDocument = new Proxy(BDoc.of(), {
    get() {
      throw new CommandError(code, 'expected a constant, got an expression that reads the document');
    },
  });
  return compileExpression(value, ctx)(noDocument);
}
