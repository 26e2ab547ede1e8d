import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { compileFilter, type Matcher } from '../query/matcher.js';
import { applyTree } from './apply-tree.js';
import { checkIdentifiers, compileArrayFilters } from './array-filters.js';
import { ARRAY_MODIFIERS } from './array-modifiers.js';
import { FIELD_MODIFIERS } from './field-modifiers.js';
import { addRename } from './rename.js';
import type { UpdateOptions } from './update.js';
import { arrayIdentifier, updatePath } from './update-path.js';
import { UpdateTree, type UpdateState } from './update-tree.js';

const MODIFIERS = new Map(Object.entries({ ...FIELD_MODIFIERS, ...ARRAY_MODIFIERS }));

/** Compiles a document of update operators; the function returns the same document if nothing changes. */
export function compileOperators(
  update: BDoc,
  options: UpdateOptions,
): (doc: BDoc, inserting: boolean) => BDoc {
  const filters = compileArrayFilters(options.arrayFilters ?? [], options.ctx);
  const tree = new UpdateTree();
  const identifiers = new Map<string, string>();
  for (const [operator, fields] of update.entries())
    addOperator(tree, operator, fields, options, identifiers);
  checkIdentifiers(filters, identifiers);
  const positionIn = positionFinder(options);
  return (doc, inserting) => {
    const state: UpdateState = {
      original: doc,
      inserting,
      position: () => positionIn(doc),
      passes: (identifier, element) => filters.get(identifier)!(element),
    };
    return applyTree(tree.root, doc, state);
  };
}

function addOperator(
  tree: UpdateTree,
  operator: string,
  fields: BValue,
  options: UpdateOptions,
  identifiers: Map<string, string>,
): void {
  const modifier = MODIFIERS.get(operator);
  if (!modifier && operator !== '$rename') {
    throw new CommandError(
      'FailedToParse',
      `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
    );
  }
  if (!(fields instanceof BDoc)) {
    throw new CommandError(
      'FailedToParse',
      `Modifiers operate on fields but we found type ${typeName(fields)} instead. For example: {$mod: {<field>: ...}} not {${operator}: ...}`,
    );
  }
  for (const [path, argument] of fields.entries()) {
    if (!modifier) {
      addRename(tree, path, argument);
      continue;
    }
    const parts = updatePath(path);
    for (const part of parts) {
      const identifier = arrayIdentifier(part);
      if (identifier) identifiers.set(identifier, path);
    }
    tree.add(parts, modifier(argument, path, options.ctx));
  }
}

function positionFinder(options: UpdateOptions): (doc: BDoc) => number {
  let matcher: Matcher | undefined;
  return (doc) => {
    matcher ??= compileFilter(options.filter, options.ctx);
    const position = matcher.position(doc);
    if (position !== undefined) return position;
    throw new CommandError(
      'BadValue',
      'The positional operator did not find the match needed from the query.',
    );
  };
}
