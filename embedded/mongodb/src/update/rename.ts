import { describe } from '../bson/describe.js';
import { identical } from '../bson/compare.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { idText } from './field-modifiers.js';
import { updatePath } from './update-path.js';
import type { UpdateState, UpdateTree } from './update-tree.js';

const bad = (message: string): CommandError => new CommandError('BadValue', message);

/** Adds `$rename: {from: to}`: the target takes the value that the source had before the update. */
export function addRename(tree: UpdateTree, from: string, to: BValue): void {
  if (typeof to !== 'string')
    throw bad(`The 'to' field for $rename must be a string: ${from}: ${describe(to)}`);
  if (to.includes('\0'))
    throw bad(`The 'to' field for $rename cannot contain an embedded null byte: ${from}`);
  const source = updatePath(from);
  const target = updatePath(to);
  if (from === to) throw bad(`The source and target field for $rename must differ: ${from}: "${to}"`);
  if (`${from}.`.startsWith(`${to}.`) || `${to}.`.startsWith(`${from}.`)) {
    throw bad(`The source and target field for $rename must not be on the same path: ${from}: "${to}"`);
  }
  if (source.some(isDynamic)) throw bad(`The source field for $rename may not be dynamic: ${from}`);
  if (target.some(isDynamic)) throw bad(`The destination field for $rename may not be dynamic: ${to}`);
  tree.add(source, () => undefined);
  tree.add(target, (current, _path, state) => {
    const value = follow(state, source, 'source', from);
    if (value === undefined) return current;
    follow(state, target.slice(0, -1), 'destination', to);
    return identical(current, value) ? current : value;
  });
}

const isDynamic = (part: string): boolean => part === '$' || part.startsWith('$[');

/** Walks documents only: a rename neither takes from nor puts into an array. */
function follow(state: UpdateState, path: readonly string[], role: string, full: string): BValue | undefined {
  let value: BValue | undefined = state.original;
  for (const [at, name] of path.entries()) {
    if (Array.isArray(value)) throw inArray(state, path[at - 1]!, role, full);
    value = value instanceof BDoc ? value.get(name) : undefined;
  }
  if (role === 'destination' && Array.isArray(value)) throw inArray(state, path.at(-1)!, role, full);
  return value;
}

function inArray(state: UpdateState, field: string, role: string, full: string): CommandError {
  return bad(
    `The ${role} field cannot be an array element, '${full}' in doc with ${idText(state)} has an array field called '${field}'`,
  );
}
