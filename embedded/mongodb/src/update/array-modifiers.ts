import { BSONRegExp } from 'bson';
import { toSafeInteger } from '../bson/arithmetic.js';
import { compare, equal } from '../bson/compare.js';
import { describe } from '../bson/describe.js';
import { hashKey } from '../bson/hash-key.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { isOperatorDocument, regexPredicate } from '../query/leaf-predicate.js';
import { compileFilter } from '../query/matcher.js';
import { idText, lastName, type ModifierFactory } from './field-modifiers.js';
import { push } from './push.js';
import type { UpdateState } from './update-tree.js';

/** Operators that change the elements of an array field. */
export const ARRAY_MODIFIERS: Readonly<Record<string, ModifierFactory>> = {
  $push: push,
  $addToSet: (argument) => {
    const values = valuesToAdd(argument);
    return (current, path, state) => {
      if (current !== undefined && !Array.isArray(current)) {
        throw new CommandError(
          'BadValue',
          `Cannot apply $addToSet to non-array field. Field named '${lastName(path)}' has non-array type ${typeName(current)} in document ${idText(state)}`,
        );
      }
      const seen = new Set((current ?? []).map(hashKey));
      const added: BValue[] = [];
      for (const value of values) {
        const key = hashKey(value);
        if (seen.has(key)) continue;
        seen.add(key);
        added.push(value);
      }
      if (current !== undefined && added.length === 0) return current;
      return [...(current ?? []), ...added];
    };
  },
  $pop: (argument) => {
    const end = toSafeInteger(argument);
    if (end !== 1 && end !== -1) {
      throw new CommandError('FailedToParse', `$pop expects 1 or -1, found: ${describe(argument)}`);
    }
    return (current, path) => {
      if (current === undefined) return undefined;
      if (!Array.isArray(current)) {
        throw new CommandError(
          'TypeMismatch',
          `Path '${path}' contains an element of non-array type '${typeName(current)}'`,
        );
      }
      if (current.length === 0) return current;
      return end === 1 ? current.slice(0, -1) : current.slice(1);
    };
  },
  $pull: (argument, _path, ctx) => {
    const matches = pullCondition(argument, ctx);
    return (current, path, state) => without(current, matches, '$pull', path, state);
  },
  $pullAll: (argument) => {
    if (!Array.isArray(argument)) {
      throw new CommandError(
        'BadValue',
        `$pullAll requires an array argument but was given a ${typeName(argument)}`,
      );
    }
    const keys = new Set(argument.map(hashKey));
    return (current, path, state) =>
      without(current, (element) => keys.has(hashKey(element)), '$pullAll', path, state);
  },
};

function valuesToAdd(argument: BValue): BValue[] {
  if (!(argument instanceof BDoc) || argument.keys()[0] !== '$each') return [argument];
  const each = argument.get('$each');
  if (!Array.isArray(each)) {
    throw new CommandError(
      'TypeMismatch',
      `The argument to $each in $addToSet must be an array but it was of type ${typeName(each!)}`,
    );
  }
  if (argument.size > 1) {
    throw new CommandError(
      'BadValue',
      `Found unexpected fields after $each in $addToSet: ${describe(argument)}`,
    );
  }
  return each;
}

function without(
  current: BValue | undefined,
  matches: (element: BValue) => boolean,
  operator: string,
  path: string,
  state: UpdateState,
): BValue | undefined {
  if (current === undefined) return undefined;
  if (!Array.isArray(current)) {
    throw new CommandError(
      'BadValue',
      `Cannot apply ${operator} to a non-array value: field '${path}' is of type ${typeName(current)} in document ${idText(state)}`,
    );
  }
  const kept = current.filter((element) => !matches(element));
  return kept.length === current.length ? current : kept;
}

/** A document is a query on the elements that are documents; operators and regexes test the element; else equality. */
function pullCondition(argument: BValue, ctx: EvalContext): (element: BValue) => boolean {
  if (argument instanceof BSONRegExp) return regexPredicate(argument.pattern, argument.options);
  if (!(argument instanceof BDoc)) return (element) => compare(element, argument) === 0;
  if (isOperatorDocument(argument) && !/^\$(and|or|nor|expr)$/.test(argument.keys()[0]!)) {
    // Wrapped, so that an element that is itself an array is looked into as a query would.
    const filter = compileFilter(BDoc.of(['element', argument]), ctx);
    return (element) => filter.matches(BDoc.of(['element', element]));
  }
  const filter = compileFilter(argument, ctx);
  return (element) => element instanceof BDoc && (filter.matches(element) || equal(element, argument));
}
