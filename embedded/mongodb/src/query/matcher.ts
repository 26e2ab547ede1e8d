import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { parseFilter, parseValueFilter } from './filter.js';
import type { FilterNode, LeafNode } from './filter-node.js';
import { leafPredicate, type Predicate } from './leaf-predicate.js';
import { arrayTest, elementTest, NO_ARRAY, NO_MATCH, type PathTest } from './path-test.js';

/** A filter ready to be asked about many documents. */
export interface Matcher {
  readonly node: FilterNode;
  matches(doc: BDoc): boolean;
  /** Index of the array element that matched, for the positional `$`; `undefined` if no array took part. */
  position(doc: BDoc): number | undefined;
}

export function compileFilter(filter: BDoc, ctx: EvalContext): Matcher {
  const node = parseFilter(filter, ctx);
  const test = compileNode(node);
  return {
    node,
    matches: (doc) => test(doc) !== NO_MATCH,
    position: (doc) => {
      const result = test(doc);
      return result >= 0 ? result : undefined;
    },
  };
}

/** Compiles operators (`{$gt: 1}`) that test one value instead of a document. */
export function compileValueFilter(operators: BDoc, ctx: EvalContext): (value: BValue) => boolean {
  return compileValueNode(parseValueFilter(operators, ctx));
}

/** Answers NO_MATCH, NO_ARRAY or the index of the array element that matched. */
function compileNode(node: FilterNode): PathTest {
  switch (node.kind) {
    case 'and':
      return allOf(node.children.map(compileNode));
    case 'or':
      return anyOf(node.children.map(compileNode));
    case 'nor':
      return inverted(anyOf(node.children.map(compileNode)));
    case 'not':
      return inverted(compileNode(node.child));
    case 'always':
      return () => (node.value ? NO_ARRAY : NO_MATCH);
    case 'sample':
      return () => (Math.random() < node.rate ? NO_ARRAY : NO_MATCH);
    case 'expr':
      return (doc) => (node.holds(doc) ? NO_ARRAY : NO_MATCH);
    case 'elemMatchObject':
    case 'elemMatchValue':
    case 'size':
      return arrayTest(node.path, arrayPredicate(node));
    default:
      return elementTest(node.path, leafPredicate(node));
  }
}

function allOf(tests: PathTest[]): PathTest {
  if (tests.length === 0) return () => NO_ARRAY;
  return (doc) => {
    let position = NO_ARRAY;
    for (const test of tests) {
      const result = test(doc);
      if (result === NO_MATCH) return NO_MATCH;
      if (result >= 0) position = result;
    }
    return position;
  };
}

function anyOf(tests: PathTest[]): PathTest {
  return (doc) => {
    for (const test of tests) {
      const result = test(doc);
      if (result !== NO_MATCH) return result;
    }
    return NO_MATCH;
  };
}

function inverted(test: PathTest): PathTest {
  return (doc) => (test(doc) === NO_MATCH ? NO_ARRAY : NO_MATCH);
}

type ArrayNode = Extract<LeafNode, { kind: 'size' | 'elemMatchObject' | 'elemMatchValue' }>;

function arrayPredicate(node: ArrayNode): (array: readonly BValue[]) => number {
  if (node.kind === 'size') return (array) => (array.length === node.size ? NO_ARRAY : NO_MATCH);
  const matches = elementPredicate(node);
  return (array) => {
    const at = array.findIndex(matches);
    return at < 0 ? NO_MATCH : at;
  };
}

function elementPredicate(node: Exclude<ArrayNode, { kind: 'size' }>): (element: BValue) => boolean {
  if (node.kind === 'elemMatchValue') return compileValueNode(node.child);
  const test = compileNode(node.child);
  return (element) => {
    if (element instanceof BDoc) return test(element) !== NO_MATCH;
    // An array inside an array is looked into by the names of its positions.
    return Array.isArray(element) && test(asDocument(element)) !== NO_MATCH;
  };
}

function asDocument(array: readonly BValue[]): BDoc {
  return BDoc.of(...array.map((value, i): [string, BValue] => [String(i), value]));
}

function compileValueNode(node: FilterNode): Predicate {
  switch (node.kind) {
    case 'and': {
      const children = node.children.map(compileValueNode);
      return (value) => children.every((matches) => matches(value));
    }
    case 'not': {
      const child = compileValueNode(node.child);
      return (value) => !child(value);
    }
    case 'always':
      return () => node.value;
    case 'elemMatchObject':
    case 'elemMatchValue':
    case 'size': {
      const test = arrayPredicate(node);
      return (value) => Array.isArray(value) && test(value) !== NO_MATCH;
    }
    case 'or':
    case 'nor':
    case 'expr':
    case 'sample':
      throw new CommandError('BadValue', `${node.kind} cannot be applied to a single value`);
    default:
      return leafPredicate(node);
  }
}
