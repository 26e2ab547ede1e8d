import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileFilter, type Matcher } from '../query/matcher.js';
import { addRename, MODIFIERS } from './modifiers.js';
import type { UpdateOptions } from './update.js';
import { arrayIdentifier, updatePath, addModifier, applyTree, type UpdateNode } from './update-tree.js';

const failed = (message: string): CommandError => new CommandError('FailedToParse', message);
const bad = (message: string): CommandError => new CommandError('BadValue', message);

/** Compiles a document of update operators; the function returns the same document if nothing changes. */
export function compileOperators(
  update: BDoc,
  options: UpdateOptions,
): (doc: BDoc, inserting: boolean) => BDoc {
  const filters = compileArrayFilters(options.arrayFilters ?? [], options.ctx);
  const tree = new Map<string, UpdateNode>();
  const used = new Set<string>();
  for (const [operator, fields] of update.entries()) addOperator(tree, operator, fields, options.ctx, used);
  checkIdentifiers(filters, used);
  let matcher: Matcher | undefined;
  return (doc, inserting) => {
    const position = (): number => {
      matcher ??= compileFilter(options.filter, options.ctx);
      const at = matcher.position(doc);
      if (at !== undefined) return at;
      throw bad('The positional operator did not find the match needed from the query.');
    };
    const passes = (identifier: string, element: BValue): boolean => filters.get(identifier)!(element);
    return applyTree(tree, doc, '', { original: doc, inserting, position, passes }) as BDoc;
  };
}

function addOperator(
  tree: Map<string, UpdateNode>,
  operator: string,
  fields: BValue,
  ctx: EvalContext,
  identifiers: Set<string>,
): void {
  const modifier = Object.hasOwn(MODIFIERS, operator) ? MODIFIERS[operator] : undefined;
  if (!modifier && operator !== '$rename') {
    throw failed(`Unknown modifier: ${operator}. Expected a valid update modifier or a pipeline as an array`);
  }
  if (!(fields instanceof BDoc)) {
    throw failed(`Modifiers operate on fields, {${operator}: {<field>: ...}}, not on a ${typeName(fields)}`);
  }
  for (const [path, argument] of fields.entries()) {
    const parts = updatePath(path);
    for (const part of parts) identifiers.add(arrayIdentifier(part) ?? '');
    if (modifier) addModifier(tree, parts, modifier(argument, ctx, operator));
    else addRename(tree, path, argument);
  }
}

/** Tests of array elements by identifier. */
type ArrayFilters = Map<string, (element: BValue) => boolean>;

function compileArrayFilters(filters: readonly BDoc[], ctx: EvalContext): ArrayFilters {
  const compiled: ArrayFilters = new Map();
  for (const filter of filters) {
    const names = [...new Set(topLevelNames(filter))];
    const [name = ''] = names;
    if (names.length !== 1) {
      throw failed(
        `An array filter must have a single top-level field name, found '${names.join("' and '")}'`,
      );
    }
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
      throw bad(`Error parsing array filter: '${name}' must begin with a lowercase letter`);
    }
    if (compiled.has(name))
      throw failed(`Found multiple array filters with the same top-level field name ${name}`);
    const matcher = compileFilter(filter, ctx);
    compiled.set(name, (element) => matcher.matches(BDoc.of([name, element])));
  }
  return compiled;
}

function topLevelNames(filter: BDoc): string[] {
  return filter.entries().flatMap(([key, value]) => {
    if (!key.startsWith('$')) return [key.split('.')[0]!];
    const clauses = Array.isArray(value) ? value : [];
    return clauses.flatMap((clause) => (clause instanceof BDoc ? topLevelNames(clause) : []));
  });
}

/** Every identifier in a path needs its filter, and every filter must be used. */
function checkIdentifiers(filters: ArrayFilters, used: ReadonlySet<string>): void {
  const unknown = [...used].find((name) => name !== '' && !filters.has(name));
  if (unknown) throw bad(`No array filter found for identifier '${unknown}'`);
  const unused = [...filters.keys()].find((name) => !used.has(name));
  if (unused) throw failed(`The array filter for identifier '${unused}' was not used in the update`);
}
