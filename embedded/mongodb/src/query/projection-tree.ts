import { BDoc, type BValue } from '../bson/values.js';

/** What happens to the value of one field; `undefined` drops it. */
export type Reshape = (value: BValue, root: BDoc) => BValue | undefined;

/** One level of a projection. */
export interface ProjectionNode {
  /** Fields of this level that are not named: kept or dropped. */
  readonly keepsOthers: boolean;
  /** Fields kept as they are (`keep`), dropped, reshaped in their place, or entered with a deeper level. */
  readonly fields: Map<string, 'keep' | 'drop' | Reshape | ProjectionNode>;
  /** Fields that are computed and set after the others, and deeper levels that compute something, in order. */
  readonly computed: Map<string, ((root: BDoc) => BValue | undefined) | ProjectionNode>;
}

export function projectionNode(keepsOthers: boolean): ProjectionNode {
  return { keepsOthers, fields: new Map(), computed: new Map() };
}

export function project(node: ProjectionNode, doc: BDoc): BDoc {
  const kept = projectFields(node, doc, doc);
  return node.computed.size === 0 ? kept : compute(node, kept, doc);
}

function projectFields(node: ProjectionNode, doc: BDoc, root: BDoc): BDoc {
  if (node.keepsOthers && node.fields.size === 0) return doc;
  const names: string[] = [];
  const values: BValue[] = [];
  for (const [name, value] of doc.entries()) {
    const result = projectField(node, name, value, root);
    if (result === undefined) continue;
    names.push(name);
    values.push(result);
  }
  return BDoc.from(names, values);
}

function projectField(node: ProjectionNode, name: string, value: BValue, root: BDoc): BValue | undefined {
  const action = node.fields.get(name);
  if (action === undefined) {
    // A computed field loses its old place, unless everything else stays where it is.
    return node.keepsOthers ? value : undefined;
  }
  if (action === 'keep') return value;
  if (action === 'drop') return undefined;
  return typeof action === 'function' ? action(value, root) : projectValue(action, value, root);
}

/** Through an array every element is projected; an inclusion drops what is no document. */
function projectValue(node: ProjectionNode, value: BValue, root: BDoc): BValue | undefined {
  if (value instanceof BDoc) return projectFields(node, value, root);
  if (!Array.isArray(value)) return node.keepsOthers ? value : undefined;
  return value.flatMap((element) => {
    const projected = projectValue(node, element, root);
    return projected === undefined ? [] : [projected];
  });
}

function compute(node: ProjectionNode, doc: BDoc, root: BDoc): BDoc {
  const result = doc.clone();
  for (const [name, action] of node.computed) {
    const value = typeof action === 'function' ? action(root) : computeValue(action, result.get(name), root);
    if (value === undefined) result.delete(name);
    else result.set(name, value);
  }
  return result;
}

/** Anything but a document or an array gives way to a document of the computed fields. */
function computeValue(node: ProjectionNode, value: BValue | undefined, root: BDoc): BValue {
  if (Array.isArray(value)) return value.map((element) => computeValue(node, element, root));
  return compute(node, value instanceof BDoc ? value : BDoc.of(), root);
}
