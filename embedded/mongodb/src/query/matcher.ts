import { BSONRegExp } from 'bson';
import { expectArray, expectDocument, expectInteger, expectText } from '../bson/expect.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported, badValue } from '../errors.js';
import { truthy, type EvalContext } from '../expr/compiler.js';
import { compilePredicate } from '../expr/expression.js';
import {
  isOperatorDocument,
  LEAF_OPERATORS,
  OF_DBREF,
  regexPredicate,
  type Predicate,
} from './leaf-predicate.js';
import { atPath, NO_ARRAY, NO_MATCH, ONE_VALUE, type Target, type Test } from './path-test.js';

/** A filter ready to be asked about many documents. */
export interface Matcher {
  matches(doc: BDoc): boolean;
  /** Index of the array element that matched, for the positional `$`; `undefined` if no array took part. */
  position(doc: BDoc): number | undefined;
}

/** Compiles a filter. @throws CommandError BadValue (2) and others, CommandNotSupported (115) for known gaps. */
export function compileFilter(filter: BDoc, ctx: EvalContext): Matcher {
  const test = new FilterCompiler(ctx).document(filter);
  return {
    matches: (doc) => test(doc) !== NO_MATCH,
    position: (doc) => {
      const result = test(doc);
      return result >= 0 ? result : undefined;
    },
  };
}

/** What `$elemMatch` and `$pull` ask of an element: operators are applied to it, other filters to its fields. */
export function compileElementFilter(condition: BDoc, ctx: EvalContext): (element: BValue) => boolean {
  const test = new FilterCompiler(ctx, true).element(condition);
  return (element) => test(element) !== NO_MATCH;
}

const NOT_HERE =
  /^\$(where|text|jsonSchema|geoWithin|geoIntersects|near|nearSphere|within|geoNear|maxDistance|minDistance|uniqueDocs|bits(All|Any)(Set|Clear)|sampleRate|alwaysTrue|alwaysFalse)$/;

/** Operators on whole documents; every other one is applied to a value. */
const ON_DOCUMENTS = new Set([...OF_DBREF, '$and', '$or', '$nor', '$expr', '$where', '$comment']);

/** Whether a condition on array elements is a document of operators on the element itself. */
export function isElementTest(condition: BValue): condition is BDoc {
  return isOperatorDocument(condition) && !ON_DOCUMENTS.has(condition.keys()[0]!);
}

class FilterCompiler {
  constructor(
    private readonly ctx: EvalContext,
    /** Inside `$elemMatch` there is no whole document that an expression could read. */
    private readonly inElement = false,
  ) {}

  document(filter: BDoc): Test<BDoc> {
    const fields = filter.entries().filter(([name]) => name !== '$comment');
    return allOf(
      fields.map(([name, value]) =>
        name.startsWith('$') && !OF_DBREF.has(name) ? this.topLevel(name, value) : this.field(name, value),
      ),
    );
  }

  private topLevel(operator: string, value: BValue): Test<BDoc> {
    switch (operator) {
      case '$and':
        return allOf(this.clauses(operator, value));
      case '$or':
        return anyOf(this.clauses(operator, value));
      case '$nor':
        return not(anyOf(this.clauses(operator, value)));
      case '$expr': {
        if (this.inElement) throw badValue('$expr can only be applied to the top-level document');
        const holds = compilePredicate(value, this.ctx);
        return (doc) => (holds(doc) ? NO_ARRAY : NO_MATCH);
      }
    }
    if (NOT_HERE.test(operator)) throw unsupported(operator);
    throw badValue(
      `unknown top level operator: ${operator}. A field whose name starts with '$' needs $getField in an $expr.`,
    );
  }

  private clauses(operator: string, value: BValue): Test<BDoc>[] {
    const list = expectArray(value, 'BadValue', operator);
    if (list.length === 0) throw badValue('$and/$or/$nor must be a nonempty array');
    return list.map((clause) => this.document(expectDocument(clause, 'BadValue', `an entry of ${operator}`)));
  }

  private field(path: string, value: BValue): Test<BDoc> {
    const target = atPath(path);
    return isOperatorDocument(value) ? this.operators(target, value) : target.each(plain(value));
  }

  /** Every operator of `{$gt: 1, $lt: 5}` at one target. */
  private operators<T>(target: Target<T>, operators: BDoc): Test<T> {
    const known = operators.entries().filter(([name]) => name !== '$comment' && name !== '$options');
    if (operators.has('$options') && !operators.has('$regex')) throw badValue('$options needs a $regex');
    return allOf(known.map(([name, value]) => this.operator(target, name, value, operators)));
  }

  private operator<T>(target: Target<T>, name: string, value: BValue, all: BDoc): Test<T> {
    const leaf = Object.hasOwn(LEAF_OPERATORS, name) ? LEAF_OPERATORS[name] : undefined;
    if (leaf) return target.each(leaf(value));
    switch (name) {
      case '$ne':
        if (value instanceof BSONRegExp) throw badValue("Can't have regex as arg to $ne.");
        return not(target.each(LEAF_OPERATORS.$eq!(value)));
      case '$nin':
        return not(target.each(LEAF_OPERATORS.$in!(value)));
      case '$not':
        return not(this.negated(target, value));
      case '$exists': {
        const exists = target.each((found) => found !== undefined);
        return truthy(value) ? exists : not(exists);
      }
      case '$regex':
        return target.each(regexOperand(value, all.get('$options')));
      case '$size': {
        const size = expectInteger(value, 'BadValue', '$size', 0);
        return target.array((array) => (array.length === size ? NO_ARRAY : NO_MATCH));
      }
      case '$all':
        return this.all(target, expectArray(value, 'BadValue', '$all'));
      case '$elemMatch': {
        const matches = compileElementFilter(expectDocument(value, 'BadValue', '$elemMatch'), this.ctx);
        return target.array((array) => {
          const at = array.findIndex(matches);
          return at < 0 ? NO_MATCH : at;
        });
      }
    }
    if (NOT_HERE.test(name)) throw unsupported(name);
    throw badValue(`unknown operator: ${name}`);
  }

  private negated<T>(target: Target<T>, value: BValue): Test<T> {
    if (value instanceof BSONRegExp) return target.each(plain(value));
    const operators = expectDocument(value, 'BadValue', '$not');
    if (operators.size === 0) throw badValue('$not cannot be empty');
    return this.operators(target, operators);
  }

  private all<T>(target: Target<T>, list: BValue[]): Test<T> {
    if (list.length === 0) return () => NO_MATCH;
    const isElemMatch = (one: BValue): one is BDoc => one instanceof BDoc && one.keys()[0] === '$elemMatch';
    if (list.every(isElemMatch)) return allOf(list.map((one) => this.operators(target, one)));
    return allOf(
      list.map((one) => {
        if (isOperatorDocument(one)) throw badValue('no $ expressions in $all beside plain values');
        return target.each(plain(one));
      }),
    );
  }

  /** A condition on one array element. An array as element is looked into by the names of its positions. */
  element(condition: BDoc): Test<BValue> {
    if (isElementTest(condition)) return this.operators(ONE_VALUE, condition);
    const test = this.document(condition);
    return (element) => {
      if (element instanceof BDoc) return test(element);
      return Array.isArray(element)
        ? test(
            BDoc.from(
              element.map((_, at) => String(at)),
              element,
            ),
          )
        : NO_MATCH;
    };
  }
}

/** A value without operator: a pattern, or what is to be equal. */
function plain(value: BValue): Predicate {
  return value instanceof BSONRegExp
    ? regexPredicate(value.pattern, value.options)
    : LEAF_OPERATORS.$eq!(value);
}

function regexOperand(value: BValue, options: BValue | undefined): Predicate {
  if (options !== undefined && typeof options !== 'string') throw badValue('$options has to be a string');
  if (value instanceof BSONRegExp) {
    if (options !== undefined && value.options)
      throw new CommandError(51075, 'options set in both $regex and $options');
    return regexPredicate(value.pattern, options ?? value.options);
  }
  return regexPredicate(expectText(value, 'BadValue', '$regex'), options ?? '');
}

/** The last array element that took part counts. */
function allOf<T>(tests: Test<T>[]): Test<T> {
  if (tests.length === 1) return tests[0]!;
  return (subject) => {
    let position = NO_ARRAY;
    for (const test of tests) {
      const result = test(subject);
      if (result === NO_MATCH) return NO_MATCH;
      if (result >= 0) position = result;
    }
    return position;
  };
}

function anyOf<T>(tests: Test<T>[]): Test<T> {
  return (subject) => {
    for (const test of tests) {
      const result = test(subject);
      if (result !== NO_MATCH) return result;
    }
    return NO_MATCH;
  };
}

function not<T>(test: Test<T>): Test<T> {
  return (subject) => (test(subject) === NO_MATCH ? NO_ARRAY : NO_MATCH);
}
