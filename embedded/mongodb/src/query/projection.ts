import { asNumber } from '../bson/arithmetic.js';
import { expectDocument } from '../bson/expect.js';
import { isNumber, type NumericValue } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { slice } from '../expr/arrays.js';
import { fieldPath, truthy, type EvalContext } from '../expr/compiler.js';
import { compileExpression, isUnknown } from '../expr/expression.js';
import { claims } from '../update/path-changes.js';
import { compileElementFilter } from './matcher.js';

type Project = (doc: BDoc) => BDoc;
type Compute = (root: BDoc) => BValue | undefined;
/** What becomes of a field that is there; `undefined` drops it. `nested`: it lies in an array inside an array. */
type Reshape = (value: BValue, nested: boolean) => BValue | undefined;
type Placement = { readonly field: Reshape } | { readonly compute: Compute };

const KEEP = { field: (value: BValue) => value };
const DROP = { field: () => undefined };

/**
 * Compiles the projection of a `find`.
 * @throws CommandError 31253, 31254 for mixed inclusion and exclusion, 31249, 31250 for colliding paths.
 */
export function compileProjection(spec: BDoc, ctx: EvalContext): Project {
  if (spec.size === 0) return (doc) => doc;
  return new Parser(ctx, true).compile(spec);
}

/** Compiles the specification of a `$project` stage. */
export function compileProject(spec: BDoc, ctx: EvalContext): Project {
  if (spec.size === 0) throw new CommandError(51272, 'projection specification must have at least one field');
  return new Parser(ctx, false).compile(spec);
}

/** Compiles `$addFields` / `$set`: everything stays and the given fields are computed. */
export function compileAddFields(spec: BDoc, ctx: EvalContext): Project {
  const root = new Level(true);
  const claim = claims((path) => new CommandError(40176, `the path '${path}' conflicts with another`));
  const add = (fields: BDoc, prefix: string): void => {
    if (fields.size === 0)
      throw prefix
        ? new CommandError(40180, `an empty object is not a valid value at ${prefix}: use {$literal: {}}`)
        : new CommandError(40177, 'specification must have at least one field');
    for (const [name, value] of fields.entries()) {
      const path = prefix + name;
      if (value instanceof BDoc && !value.keys()[0]?.startsWith('$')) add(value, `${path}.`);
      else {
        claim(path);
        root.add(path, { compute: compileExpression(value, ctx) });
      }
    }
  };
  add(spec, '');
  return (doc) => root.project(doc);
}

/** Compiles `$unset`. */
export function compileUnset(paths: readonly string[]): Project {
  const root = new Level(true);
  for (const path of paths) root.add(path, DROP);
  return (doc) => root.project(doc);
}

/** Reads a specification into placements by path. */
class Parser {
  private readonly placements: [path: string, Placement][] = [];
  /** Whether the fields that are named are kept or dropped; open while only `_id`, `$slice` or `$elemMatch` is. */
  private inclusion: boolean | undefined;
  /** These decide where that stays open. */
  private idIncluded = false;
  private slices = false;
  private elemMatches = false;

  constructor(
    private readonly ctx: EvalContext,
    /** A find has operators of its own: `$slice`, `$elemMatch`. */
    private readonly find: boolean,
  ) {}

  compile(spec: BDoc): Project {
    this.read(spec, '');
    const includes = this.inclusion ?? (this.idIncluded || (this.elemMatches && !this.slices));
    const root = new Level(!includes);
    if (includes && !this.placements.some(([path]) => path === '_id' || path.startsWith('_id.')))
      root.add('_id', KEEP);
    for (const [path, placement] of this.placements) root.add(path, placement);
    return (doc) => root.project(doc);
  }

  private read(spec: BDoc, prefix: string): void {
    for (const [name, value] of spec.entries()) {
      const path = prefix + name;
      if (typeof value === 'boolean' || isNumber(value)) this.flag(path, truthy(value));
      else if (!(value instanceof BDoc)) this.computed(path, compileExpression(value, this.ctx), 31310);
      else if (value.size === 0)
        throw new CommandError(51270, `An empty sub-projection is not valid, at path ${path}`);
      else if (value.size === 1 && value.keys()[0]!.startsWith('$')) this.operator(path, value);
      else this.read(value, `${path}.`);
    }
  }

  private flag(path: string, include: boolean): void {
    if (path === '_id') this.idIncluded ||= include;
    else this.decide(path, include);
    this.placements.push([path, include ? KEEP : DROP]);
  }

  private decide(path: string, include: boolean): void {
    this.inclusion ??= include;
    if (this.inclusion === include) return;
    throw include
      ? new CommandError(31253, `Cannot do inclusion on field ${path} in exclusion projection`)
      : new CommandError(31254, `Cannot do exclusion on field ${path} in inclusion projection`);
  }

  private operator(path: string, value: BDoc): void {
    const [operator, operand] = value.entries()[0]!;
    if (operator === '$meta') throw unsupported('$meta');
    if (this.find && operator === '$elemMatch') this.elemMatch(path, operand);
    else if (this.find && operator === '$slice' && isSlice(operand)) this.slice(path, operand);
    else if (operator !== '$elemMatch' && isUnknown(operator))
      throw new CommandError(31325, `Unknown expression ${operator}`);
    else this.computed(path, compileExpression(value, this.ctx), 31252);
  }

  private computed(path: string, compute: Compute, code: number): void {
    if (this.inclusion === false)
      throw new CommandError(code, `Cannot use an expression in exclusion projection`);
    this.inclusion = true;
    this.placements.push([path, { compute }]);
  }

  private slice(path: string, operand: NumericValue | NumericValue[]): void {
    this.slices = true;
    const [first, limit] = [operand].flat().map(truncated);
    const field: Reshape = (value, nested) =>
      Array.isArray(value) && !nested ? slice(value, first!, limit) : value;
    this.placements.push([path, { field }]);
  }

  private elemMatch(path: string, operand: BValue): void {
    if (path.includes('.'))
      throw new CommandError(31275, 'Cannot use $elemMatch projection on a nested field');
    const matches = compileElementFilter(expectDocument(operand, 31274, '$elemMatch'), this.ctx);
    this.elemMatches = true;
    const compute = (root: BDoc): BValue | undefined => {
      const value = root.get(path);
      const found = Array.isArray(value) ? value.find(matches) : undefined;
      return found === undefined ? undefined : [found];
    };
    this.placements.push([path, { compute }]);
  }
}

/** A number or `[skip, limit]`; as in MongoDB every other operand is one of the expression `$slice`. */
function isSlice(operand: BValue): operand is NumericValue | NumericValue[] {
  if (!Array.isArray(operand)) return isNumber(operand);
  return operand.length === 2 && operand.every(isNumber) && truncated(operand[1]!) > 0;
}

const truncated = (value: NumericValue): number => Math.trunc(asNumber(value)) || 0;

/** One level of a projection. */
class Level {
  /** What becomes of the fields that are there, in their places. */
  private readonly fields = new Map<string, Reshape>();
  /** Fields that are set after the others, and deeper levels, in order. */
  private readonly computed = new Map<string, Compute | Level>();
  /** Whether there are such fields, here or deeper. */
  private computes = false;

  /** `keepsOthers`: fields that are not named are kept. */
  constructor(private readonly keepsOthers: boolean) {}

  add(path: string, placement: Placement): void {
    if (/\.\$(\.|$)/.test(path)) throw unsupported('the positional $ of a projection');
    this.place(fieldPath(path), placement, path);
  }

  private place([name, ...rest]: readonly string[], placement: Placement, path: string): void {
    const existing = this.computed.get(name!) ?? this.fields.get(name!);
    this.computes ||= 'compute' in placement;
    if (rest.length > 0) {
      if (existing && !(existing instanceof Level))
        throw new CommandError(31249, `Path collision at ${path} remaining portion ${rest.join('.')}`);
      const child = existing ?? new Level(this.keepsOthers);
      this.fields.set(name!, (value, nested) => child.keepValue(value, nested));
      this.computed.set(name!, child);
      return child.place(rest, placement, path);
    }
    if (existing) throw new CommandError(31250, `Path collision at ${path}`);
    if ('field' in placement) this.fields.set(name!, placement.field);
    else this.computed.set(name!, placement.compute);
  }

  project(doc: BDoc): BDoc {
    const kept = this.keep(doc, false);
    return this.computes ? this.compute(kept, doc) : kept;
  }

  private keep(doc: BDoc, nested: boolean): BDoc {
    if (this.keepsOthers && this.fields.size === 0) return doc;
    const names: string[] = [];
    const values: BValue[] = [];
    for (const [name, value] of doc.entries()) {
      const reshape = this.fields.get(name);
      const result = reshape ? reshape(value, nested) : this.keepsOthers ? value : undefined;
      if (result === undefined) continue;
      names.push(name);
      values.push(result);
    }
    return BDoc.from(names, values);
  }

  /** Through an array every element is projected; an inclusion drops what is no document, unless that gives way. */
  private keepValue(value: BValue, nested: boolean): BValue | undefined {
    if (value instanceof BDoc) return this.keep(value, nested);
    if (!Array.isArray(value)) return this.keepsOthers || this.computes ? value : undefined;
    return value
      .map((element) => this.keepValue(element, nested || Array.isArray(element)))
      .filter((element) => element !== undefined);
  }

  private compute(doc: BDoc, root: BDoc): BDoc {
    const result = doc.clone();
    for (const [name, action] of this.computed) {
      if (action instanceof Level && !action.computes) continue;
      const value = action instanceof Level ? action.computeIn(result.get(name), root) : action(root);
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
