import { CommandError } from '../errors.js';
import { fieldPath } from '../expr/compiler.js';
import type { BDoc, BValue } from '../bson/values.js';
import { projectionNode, type ProjectionNode, type Reshape } from './projection-tree.js';

/** What to do at the end of a path. */
export type Placement =
  | { readonly field: 'keep' | 'drop' | Reshape }
  /** `atEnd`: the field gives up its place even where all others keep theirs. */
  | { readonly compute: (root: BDoc) => BValue | undefined; readonly atEnd?: boolean };

/** Adds one path to a projection. @throws CommandError 31249, 31250 if paths overlap. */
export function addToProjection(root: ProjectionNode, path: string, placement: Placement): void {
  if (/\.\$(\.|$)/.test(path)) {
    throw new CommandError(
      31394,
      `The positional operator '$' may only end a path of a find with a query, got '${path}'`,
    );
  }
  const parts = fieldPath(path);
  let node = root;
  for (let i = 0; i < parts.length - 1; i++) node = enter(node, parts, i, 'compute' in placement);
  const last = parts.at(-1)!;
  if (node.fields.has(last) || node.computed.has(last)) {
    throw new CommandError(31250, `Path collision at ${path}`);
  }
  if ('field' in placement) {
    node.fields.set(last, placement.field);
    return;
  }
  node.computed.set(last, placement.compute);
  if (placement.atEnd) node.fields.set(last, 'drop');
}

function enter(node: ProjectionNode, parts: string[], at: number, computes: boolean): ProjectionNode {
  const name = parts[at]!;
  const existing = node.fields.get(name) ?? node.computed.get(name);
  if (existing !== undefined && typeof existing !== 'object') {
    throw new CommandError(
      31249,
      `Path collision at ${parts.join('.')} remaining portion ${parts.slice(at + 1).join('.')}`,
    );
  }
  const child = existing ?? projectionNode(node.keepsOthers);
  node.fields.set(name, child);
  if (computes) node.computed.set(name, child);
  return child;
}
