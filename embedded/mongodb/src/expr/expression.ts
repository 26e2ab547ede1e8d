import type { BDoc, BValue } from '../bson/values.js';
import {
  Compiler,
  truthy,
  type OperatorCompiler,
  type OperatorTable,
  type Scope,
  type Value,
} from './compiler.js';
import type { EvalContext } from './context.js';
import { ARITHMETIC } from './arithmetic.js';
import { ACCUMULATE } from './accumulate.js';
import { ARRAYS } from './arrays.js';
import { CONVERSION } from './conversion.js';
import { DATES } from './dates.js';
import { LOGIC } from './logic.js';
import { REGEX } from './regex.js';
import { SETS_AND_OBJECTS } from './sets-and-objects.js';
import { STRINGS } from './strings.js';

const OPERATORS = new Map<string, OperatorCompiler>(
  [LOGIC, ARITHMETIC, ARRAYS, SETS_AND_OBJECTS, STRINGS, REGEX, CONVERSION, DATES, ACCUMULATE].flatMap(
    (table: OperatorTable) => Object.entries(table),
  ),
);

/** A compiled expression of the aggregation language, asked per document. */
export type DocumentExpression = (doc: BDoc) => Value;

export function compileExpression(value: BValue, ctx: EvalContext): DocumentExpression {
  const expression = Compiler.create(ctx, OPERATORS).compile(value);
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
