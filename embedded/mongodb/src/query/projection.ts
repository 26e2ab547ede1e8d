import { isZero, toSafeInteger } from '../bson/arithmetic.js';
import { expectDocument, expectInteger } from '../bson/expect.js';
import { isNumber } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { compileElementFilter, compileFilter } from './matcher.js';
import { ProjectionNode, type Placement, type Reshape } from './projection-tree.js';
import { slice } from './slice.js';

/**
 * Compiles the projection of a `find`; `filter` is for the positional operator.
 * @throws CommandError 31253, 31254 for mixed inclusion and exclusion, 31249, 31250 for colliding paths.
 */
export function compileProjection(spec: BDoc, ctx: EvalContext, filter?: BDoc): (doc: BDoc) => BDoc {
  if (spec.size === 0) return (doc) => doc;
  return new ProjectionParser(ctx, true, filter).compile(spec);
}

/** Compiles the specification of a `$project` stage. */
export function compileProject(spec: BDoc, ctx: EvalContext): (doc: BDoc) => BDoc {
  if (spec.size === 0) throw new CommandError(51272, 'projection specification must have at least one field');
  return new ProjectionParser(ctx, false).compile(spec);
}

/** Compiles `$addFields` / `$set`: everything stays and the given fields are computed. */
export function compileAddFields(spec: BDoc, ctx: EvalContext): (doc: BDoc) => BDoc {
  const root = new ProjectionNode(true);
  const add = (fields: BDoc, prefix: string): void => {
    for (const [name, value] of fields.entries()) {
      const nested = value instanceof BDoc && value.size > 0 && !value.keys()[0]!.startsWith('$');
      if (nested) add(value, `${prefix}${name}.`);
      else root.add(prefix + name, { compute: compileExpression(value, ctx) });
    }
  };
  add(spec, '');
  return (doc) => root.project(doc);
}

/** Compiles `$unset`. */
export function compileUnset(paths: readonly string[]): (doc: BDoc) => BDoc {
  const root = new ProjectionNode(true);
  for (const path of paths) root.add(path, { field: 'drop' });
  return (doc) => root.project(doc);
}

interface Entry {
  readonly path: string;
  readonly kind: 'include' | 'exclude' | 'computed' | 'slice';
  readonly placement: Placement;
}

class ProjectionParser {
  private readonly entries: Entry[] = [];
  private inclusion: boolean | undefined;
  private positional = false;

  constructor(
    private readonly ctx: EvalContext,
    /** A find has operators of its own: `$slice`, `$elemMatch`, the positional `$`. */
    private readonly find: boolean,
    private readonly filter?: BDoc,
  ) {}

  compile(spec: BDoc): (doc: BDoc) => BDoc {
    this.read(spec, '');
    // Where only `_id` or `$slice` is named, what they say decides.
    const includes =
      this.inclusion ?? this.entries.some(({ kind }) => kind === 'include' || kind === 'computed');
    const root = new ProjectionNode(!includes);
    if (includes && !this.entries.some(({ path }) => path === '_id' || path.startsWith('_id.'))) {
      root.add('_id', { field: 'keep' });
    }
    for (const { path, placement } of this.entries) root.add(path, placement);
    return (doc) => root.project(doc);
  }

  private read(spec: BDoc, prefix: string): void {
    for (const [name, value] of spec.entries()) {
      const path = prefix + name;
      if (typeof value === 'boolean') this.flag(path, value);
      else if (isNumber(value)) this.flag(path, !isZero(value));
      else if (!(value instanceof BDoc)) this.computed(path, value);
      else if (value.size === 0)
        throw new CommandError(51270, `An empty sub-projection is not valid, at path ${path}`);
      else if (value.keys()[0]!.startsWith('$')) this.operator(path, value);
      else this.read(value, `${path}.`);
    }
  }

  private flag(path: string, include: boolean): void {
    if (include && this.find && path.endsWith('.$')) return this.addPositional(path.slice(0, -2));
    if (path !== '_id') this.decide(path, include);
    this.entries.push({
      path,
      kind: include ? 'include' : 'exclude',
      placement: { field: include ? 'keep' : 'drop' },
    });
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
    if (this.find && operator === '$elemMatch') {
      this.elemMatch(path, operand);
    } else if (this.find && operator === '$slice' && !(Array.isArray(operand) && !isNumber(operand[0]))) {
      this.entries.push({ path, kind: 'slice', placement: { field: sliced(operand) } });
    } else {
      this.computed(path, value);
    }
  }

  private computed(path: string, value: BValue): void {
    if (path !== '_id') {
      if (this.inclusion === false)
        throw new CommandError(31252, `Cannot use an expression in exclusion projection`);
      this.inclusion = true;
    }
    this.entries.push({ path, kind: 'computed', placement: { compute: compileExpression(value, this.ctx) } });
  }

  private elemMatch(path: string, operand: BValue): void {
    if (path.includes('.'))
      throw new CommandError(31255, 'Cannot use $elemMatch projection on a nested field');
    const matches = compileElementFilter(expectDocument(operand, 31274, '$elemMatch'), this.ctx);
    const compute = (root: BDoc): BValue | undefined => {
      const value = root.get(path);
      const found = Array.isArray(value) ? value.find(matches) : undefined;
      return found === undefined ? undefined : [found];
    };
    this.entries.push({ path, kind: 'computed', placement: { compute, atEnd: true } });
  }

  private addPositional(path: string): void {
    if (this.positional)
      throw new CommandError(31276, 'Cannot specify more than one positional projection per query.');
    this.positional = true;
    this.decide(path, true);
    if (!this.filter) throw new CommandError(51246, "positional operator '.$' needs a query on the array");
    const matcher = compileFilter(this.filter, this.ctx);
    const pick: Reshape = (value, root) => {
      if (!Array.isArray(value)) return value;
      const at = matcher.position(root);
      if (at !== undefined && at < value.length) return [value[at]!];
      throw new CommandError(51246, "positional operator '.$' couldn't find a matching element in the array");
    };
    this.entries.push({ path, kind: 'include', placement: { field: pick } });
  }
}

function sliced(operand: BValue): Reshape {
  const parts = Array.isArray(operand) ? operand.map(toSafeInteger) : [toSafeInteger(operand)];
  const [first, limit] = parts;
  if (first === undefined || parts.length > 2) {
    throw new CommandError(28667, '$slice in a projection takes a number or [skip, limit]');
  }
  if (parts.length === 2) expectInteger(limit, 28724, 'the limit of $slice', 1);
  return (value) => (Array.isArray(value) ? slice(value, first, limit) : value);
}
