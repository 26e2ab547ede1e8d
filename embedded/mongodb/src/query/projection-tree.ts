import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { fieldPath } from '../expr/compiler.js';

/** What happens to the value of one field; `undefined` drops it. */
export type Reshape = (value: BValue, root: BDoc) => BValue | undefined;

/** What to do at the end of a path. */
export type Placement =
  | { readonly field: 'keep' | 'drop' | Reshape }
  /** `atEnd`: the field gives up its place even where all others keep theirs. */
  | { readonly compute: (root: BDoc) => BValue | undefined; readonly atEnd?: boolean };

/** One level of a projection. */
export class ProjectionNode {
  /** Fields kept as they are (`keep`), dropped, reshaped in their place, or entered with a deeper level. */
  private readonly fields = new Map<string, 'keep' | 'drop' | Reshape | ProjectionNode>();
  /** Fields that are computed and set after the others, and deeper levels that compute something, in order. */
  private readonly computed = new Map<string, ((root: BDoc) => BValue | undefined) | ProjectionNode>();

  /** `keepsOthers`: fields that are not named are kept. */
  constructor(private readonly keepsOthers: boolean) {}

  /** Adds one path. @throws CommandError 31249, 31250 if paths overlap. */
  add(path: string, placement: Placement): this {
    if (/\.\$(\.|$)/.test(path)) {
      throw new CommandError(
        31394,
        `The positional '$' may only end a path of a find with a query, got '${path}'`,
      );
    }
    this.place(fieldPath(path), placement, path);
    return this;
  }

  private place(parts: readonly string[], placement: Placement, path: string): void {
    const [name, ...rest] = parts as [string, ...string[]];
    const existing = this.fields.get(name) ?? this.computed.get(name);
    if (rest.length > 0) {
      if (existing !== undefined && !(existing instanceof ProjectionNode)) {
        throw new CommandError(31249, `Path collision at ${path} remaining portion ${rest.join('.')}`);
      }
      const child = existing ?? new ProjectionNode(this.keepsOthers);
      this.fields.set(name, child);
      if ('compute' in placement) this.computed.set(name, child);
      child.place(rest, placement, path);
      return;
    }
    if (existing !== undefined) throw new CommandError(31250, `Path collision at ${path}`);
    if ('field' in placement) this.fields.set(name, placement.field);
    else this.computed.set(name, placement.compute);
    if ('compute' in placement && placement.atEnd) this.fields.set(name, 'drop');
  }

  project(doc: BDoc): BDoc {
    const kept = this.keep(doc, doc);
    return this.computed.size === 0 ? kept : this.compute(kept, doc);
  }

  private keep(doc: BDoc, root: BDoc): BDoc {
    if (this.keepsOthers && this.fields.size === 0) return doc;
    const names: string[] = [];
    const values: BValue[] = [];
    for (const [name, value] of doc.entries()) {
      const result = this.keepField(name, value, root);
      if (result === undefined) continue;
      names.push(name);
      values.push(result);
    }
    return BDoc.from(names, values);
  }

  private keepField(name: string, value: BValue, root: BDoc): BValue | undefined {
    const action = this.fields.get(name) ?? (this.keepsOthers ? 'keep' : 'drop');
    if (action === 'keep') return value;
    if (action === 'drop') return undefined;
    return typeof action === 'function' ? action(value, root) : action.keepValue(value, root);
  }

  /** Through an array every element is projected; an inclusion drops what is no document. */
  private keepValue(value: BValue, root: BDoc): BValue | undefined {
    if (value instanceof BDoc) return this.keep(value, root);
    if (!Array.isArray(value)) return this.keepsOthers ? value : undefined;
    return value.map((element) => this.keepValue(element, root)).filter((element) => element !== undefined);
  }

  private compute(doc: BDoc, root: BDoc): BDoc {
    const result = doc.clone();
    for (const [name, action] of this.computed) {
      const value = typeof action === 'function' ? action(root) : action.computeIn(result.get(name), root);
      if (value === undefined) result.delete(name);
      else result.set(name, value);
    }
    return result;
  }

  /** Anything but a document or an array gives way to a document of the computed fields. */
  private computeIn(value: BValue | undefined, root: BDoc): BValue {
    if (Array.isArray(value)) return value.map((element) => this.computeIn(element, root));
    return this.compute(value instanceof BDoc ? value : BDoc.of(), root);
  }
}
