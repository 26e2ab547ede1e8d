import { describe } from '../bson/describe.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { arrayIdentifier, arrayPosition } from './update-path.js';
import { inOrder, merge, type UpdateBranch, type UpdateNode, type UpdateState } from './update-tree.js';

/** MongoDB's limit of nulls that one update may put before a new array element. */
const MAX_PADDING = 1_500_000;

/** Applies a tree to a document; the same document comes back if nothing changed. */
export function applyTree(root: UpdateBranch, doc: BDoc, state: UpdateState): BDoc {
  return applyToDocument(root, doc, '', state) as BDoc;
}

function applyNode(
  node: UpdateNode,
  current: BValue | undefined,
  path: string,
  state: UpdateState,
): BValue | undefined {
  if (typeof node === 'function') return node(current, path, state);
  if (current === undefined || current instanceof BDoc) return applyToDocument(node, current, path, state);
  return Array.isArray(current)
    ? applyToArray(node, current, path, state)
    : applyToScalar(node, current, path, state);
}

function applyToDocument(
  branch: UpdateBranch,
  current: BDoc | undefined,
  path: string,
  state: UpdateState,
): BDoc | undefined {
  let changed: BDoc | undefined;
  for (const [part, child] of inOrder(branch)) {
    if (arrayIdentifier(part) !== null) throw noArray(current, path);
    const name = part === '$' ? String(state.position()) : part;
    const before = (changed ?? current)?.get(name);
    const after = applyNode(child, before, join(path, name), state);
    if (after === before) continue;
    changed ??= current?.clone() ?? BDoc.of();
    if (after === undefined) changed.delete(name);
    else changed.set(name, after);
  }
  return changed ?? current;
}

function applyToArray(branch: UpdateBranch, current: BValue[], path: string, state: UpdateState): BValue[] {
  let changed: BValue[] | undefined;
  for (const [at, node] of nodesByPosition(branch, current, path, state)) {
    const before = current[at];
    const after = applyNode(node, before, join(path, String(at)), state);
    if (after === before) continue;
    changed ??= [...current];
    if (at > changed.length + MAX_PADDING) {
      throw new CommandError(
        'BadValue',
        `Cannot pad the array '${path}' to position ${at}: more than ${MAX_PADDING} nulls`,
      );
    }
    while (changed.length < at) changed.push(null);
    // An element is never removed by its position: the others would move.
    changed[at] = after === undefined ? null : after;
  }
  return changed ?? current;
}

/** Which node applies to which position, several merged into one. */
function nodesByPosition(
  branch: UpdateBranch,
  current: BValue[],
  path: string,
  state: UpdateState,
): [number, UpdateNode][] {
  const nodes = new Map<number, UpdateNode>();
  for (const [part, child] of inOrder(branch)) {
    for (const at of positions(part, child, current, path, state)) {
      const other = nodes.get(at);
      nodes.set(at, other ? merge(other, child, join(path, String(at))) : child);
    }
  }
  return [...nodes].sort(([a], [b]) => a - b);
}

function positions(
  part: string,
  child: UpdateNode,
  current: BValue[],
  path: string,
  state: UpdateState,
): number[] {
  if (part === '$') return [state.position()];
  const identifier = arrayIdentifier(part);
  if (identifier === '') return [...current.keys()];
  if (identifier !== null) return [...current.keys()].filter((at) => state.passes(identifier, current[at]!));
  const position = arrayPosition(part);
  if (position !== null) return [position];
  refuseCreation(part, child, current, path, state);
  return [];
}

function applyToScalar(branch: UpdateBranch, current: BValue, path: string, state: UpdateState): BValue {
  for (const [part, child] of inOrder(branch)) {
    if (arrayIdentifier(part) !== null) throw noArray(current, path);
    refuseCreation(part === '$' ? String(state.position()) : part, child, current, path, state);
  }
  return current;
}

/** An operator that would create a field where there can be none is an error; `$unset` and the like do nothing. */
function refuseCreation(
  name: string,
  child: UpdateNode,
  current: BValue,
  path: string,
  state: UpdateState,
): void {
  if (applyNode(child, undefined, join(path, name), state) === undefined) return;
  const element = `${path.slice(path.lastIndexOf('.') + 1)}: ${describe(current)}`;
  throw new CommandError('PathNotViable', `Cannot create field '${name}' in element {${element}}`);
}

function noArray(current: BValue | undefined, path: string): CommandError {
  return new CommandError(
    'BadValue',
    current === undefined
      ? `The path '${path}' must exist in the document in order to apply array updates.`
      : `Cannot apply array updates to non-array element ${path}: ${describe(current)}`,
  );
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
