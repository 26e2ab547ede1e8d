import { compareText } from '../bson/keystring.js';
import { describe } from '../bson/expect.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';

/** MongoDB's limit of nulls that one update may put before a new array element. */
const MAX_PADDING = 1_500_000;

/** What one application of an update knows. */
export interface UpdateState {
  /** The document before the update. */
  readonly original: BDoc;
  readonly inserting: boolean;
  /** Index for the positional `$`. @throws CommandError BadValue if the filter matched no array. */
  position(): number;
  /** Whether an element passes the array filter of that identifier. */
  passes(identifier: string, element: BValue): boolean;
}

/**
 * One operator at one path: the new value for the current one, `undefined` meaning a missing field on both sides.
 * It returns `current` itself if nothing changes.
 */
export type Modifier = (current: BValue | undefined, path: string, state: UpdateState) => BValue | undefined;

/** Operators by the next part of their path. */
export type UpdateNode = Modifier | Map<string, UpdateNode>;
type Branch = Map<string, UpdateNode>;

/** Adds an operator to the tree of all operators of an update. @throws CommandError ConflictingUpdateOperators (40) */
export function addModifier(
  branch: Branch,
  parts: readonly string[],
  modifier: Modifier,
  path = parts.join('.'),
): void {
  const [name, ...rest] = parts as [string, ...string[]];
  const existing = branch.get(name);
  if (rest.length === 0) {
    if (existing) throw conflict(path);
    branch.set(name, modifier);
    return;
  }
  if (typeof existing === 'function') throw conflict(path);
  const child = existing ?? new Map<string, UpdateNode>();
  branch.set(name, child);
  addModifier(child, rest, modifier, path);
}

const conflict = (path: string): CommandError =>
  new CommandError('ConflictingUpdateOperators', `Updating the path '${path}' would create a conflict`);

/** The tree that does what both do, where `$[]`, `$[id]`, `$` or an index meet in one array element. */
function merge(a: UpdateNode, b: UpdateNode, path: string): UpdateNode {
  if (typeof a === 'function' || typeof b === 'function') throw conflict(path);
  const merged = new Map(a);
  for (const [name, child] of b) {
    const other = a.get(name);
    merged.set(name, other ? merge(other, child, `${path}.${name}`) : child);
  }
  return merged;
}

/** Children in the order in which MongoDB applies them: by name, and positions by number. */
function inOrder(branch: Branch): [string, UpdateNode][] {
  return [...branch].sort(([a], [b]) =>
    /^\d+$/.test(a) && /^\d+$/.test(b) ? Number(a) - Number(b) : compareText(a, b),
  );
}

/** Applies a tree to a document or a part of it; the same value comes back if nothing changed. */
export function applyTree(
  node: UpdateNode,
  current: BValue | undefined,
  path: string,
  state: UpdateState,
): BValue | undefined {
  if (typeof node === 'function') return node(current, path, state);
  if (Array.isArray(current)) return applyToArray(node, current, path, state);
  let changed: BDoc | undefined;
  for (const [part, child] of inOrder(node)) {
    if (arrayIdentifier(part) !== null) throw noArray(current, path);
    const name = part === '$' ? String(state.position()) : part;
    if (current !== undefined && !(current instanceof BDoc)) {
      refuseCreation(name, child, current, path, state);
      continue;
    }
    const before = (changed ?? current)?.get(name);
    const after = applyTree(child, before, join(path, name), state);
    if (after === before) continue;
    changed ??= current?.clone() ?? BDoc.of();
    if (after === undefined) changed.delete(name);
    else changed.set(name, after);
  }
  return changed ?? current;
}

function applyToArray(branch: Branch, current: BValue[], path: string, state: UpdateState): BValue[] {
  let changed: BValue[] | undefined;
  for (const [at, node] of nodesByPosition(branch, current, path, state)) {
    const before = current[at];
    const after = applyTree(node, before, join(path, String(at)), state);
    if (after === before) continue;
    changed ??= [...current];
    if (at > changed.length + MAX_PADDING) {
      throw new CommandError('BadValue', `Cannot pad the array '${path}' to position ${at}`);
    }
    while (changed.length < at) changed.push(null);
    // An element is never removed by its position: the others would move.
    changed[at] = after === undefined ? null : after;
  }
  return changed ?? current;
}

/** Which node applies to which position, several merged into one. */
function nodesByPosition(
  branch: Branch,
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
  if (identifier !== null) {
    return [...current.keys()].filter((at) => identifier === '' || state.passes(identifier, current[at]!));
  }
  if (/^(0|[1-9]\d*)$/.test(part)) return [Number(part)];
  refuseCreation(part, child, current, path, state);
  return [];
}

/** An operator that would create a field where there can be none is an error; `$unset` and the like do nothing. */
function refuseCreation(name: string, child: UpdateNode, at: BValue, path: string, state: UpdateState): void {
  if (applyTree(child, undefined, join(path, name), state) === undefined) return;
  const element = `{${path}: ${describe(at)}}`;
  throw new CommandError('PathNotViable', `Cannot create field '${name}' in element ${element}`);
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

/** Splits and checks the path of an update operator, which may hold `$`, `$[]` and `$[identifier]`. */
export function updatePath(path: string): string[] {
  const parts = path.split('.');
  for (const [at, part] of parts.entries()) checkPart(path, part, at);
  if (parts.filter((part) => part === '$').length > 1) {
    throw new CommandError('BadValue', `Too many positional (i.e. '$') elements found in path '${path}'`);
  }
  return parts;
}

function checkPart(path: string, part: string, at: number): void {
  if (part === '')
    throw new CommandError('EmptyFieldName', `The update path '${path}' contains an empty field name.`);
  if (!part.startsWith('$') || part === '$id' || part === '$ref' || part === '$db') return;
  const message = `The dollar ($) prefixed field '${part}' in '${path}' is not valid.`;
  if (!isDynamic(part)) throw new CommandError('DollarPrefixedFieldName', message);
  if (at > 0 && /^\$(\[.*\])?$/.test(part)) return;
  throw new CommandError('BadValue', `'${part}' must be closed and cannot come first in path '${path}'`);
}

/** Whether a part of a path stands for array elements that are found while the update is applied. */
export const isDynamic = (part: string): boolean => part === '$' || part.startsWith('$[');

/** The identifier of `$[identifier]`; '' for `$[]`; null for a field name or `$`. */
export function arrayIdentifier(part: string): string | null {
  return part.startsWith('$[') ? part.slice(2, -1) : null;
}
