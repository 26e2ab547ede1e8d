import { compareText } from '../bson/compare.js';
import type { BDoc, BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';

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

export interface UpdateBranch {
  readonly children: Map<string, UpdateNode>;
  /** The children in the order of application, once it is known. */
  ordered?: [string, UpdateNode][];
}
export type UpdateNode = UpdateBranch | Modifier;

/** All operators of an update as one tree over paths. @throws CommandError ConflictingUpdateOperators (40) */
export class UpdateTree {
  readonly root: UpdateBranch = { children: new Map() };

  add(parts: readonly string[], modifier: Modifier): void {
    const path = parts.join('.');
    let branch = this.root;
    for (let i = 0; i < parts.length - 1; i++) {
      const child = branch.children.get(parts[i]!) ?? { children: new Map<string, UpdateNode>() };
      if (typeof child === 'function') throw conflict(path, parts.slice(0, i + 1).join('.'));
      branch.children.set(parts[i]!, child);
      branch = child;
    }
    const last = parts.at(-1)!;
    if (branch.children.has(last)) throw conflict(path, path);
    branch.children.set(last, modifier);
  }
}

function conflict(path: string, at: string): CommandError {
  return new CommandError(
    'ConflictingUpdateOperators',
    `Updating the path '${path}' would create a conflict at '${at}'`,
  );
}

/** The tree that does what both do, where `$[]`, `$[id]`, `$` or an index meet in one array element. */
export function merge(a: UpdateNode, b: UpdateNode, path: string): UpdateNode {
  if (typeof a === 'function' || typeof b === 'function') throw conflict(path, path);
  const children = new Map(a.children);
  for (const [name, child] of b.children) {
    const other = children.get(name);
    children.set(name, other ? merge(other, child, `${path}.${name}`) : child);
  }
  return { children };
}

/** Children in the order in which MongoDB applies them: by name, and positions by number. */
export function inOrder(branch: UpdateBranch): readonly [string, UpdateNode][] {
  branch.ordered ??= [...branch.children].sort(([a], [b]) => {
    if (/^\d+$/.test(a) && /^\d+$/.test(b)) return Number(a) - Number(b);
    return compareText(a, b);
  });
  return branch.ordered;
}
