import { isNumber } from '../bson/type-of.js';
import { isZero, toSafeInteger } from '../bson/arithmetic.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { compileFilter, compileValueFilter } from './matcher.js';
import { addToProjection, type Placement } from './projection-path.js';
import { project, projectionNode, type Reshape } from './projection-tree.js';
import { sliceBounds } from './slice.js';
import { isOperatorDocument } from './filter.js';

/** Where a projection is used: `find` has operators of its own ($slice, $elemMatch, positional $). */
export interface ProjectionOptions {
  readonly find: boolean;
  /** The filter of the find, for the positional operator. */
  readonly filter?: BDoc | undefined;
}

/**
 * Compiles the projection of a `find`.
 * @throws CommandError 31253, 31254 for mixed inclusion and exclusion, 31249, 31250 for colliding paths.
 */
export function compileProjection(spec: BDoc, ctx: EvalContext, filter?: BDoc): (doc: BDoc) => BDoc {
  if (spec.size === 0) return (doc) => doc;
  return new ProjectionParser(ctx, { find: true, filter }).compile(spec);
}

/** Compiles the specification of a `$project` stage. */
export function compileProject(spec: BDoc, ctx: EvalContext): (doc: BDoc) => BDoc {
  if (spec.size === 0) throw new CommandError(51272, 'projection specification must have at least one field');
  return new ProjectionParser(ctx, { find: false }).compile(spec);
}

/** Compiles `$addFields` / `$set`: everything stays and the given fields are computed. */
export function compileAddFields(spec: BDoc, ctx: EvalContext): (doc: BDoc) => BDoc {
  const root = projectionNode(true);
  const add = (fields: BDoc, prefix: string): void => {
    for (const [name, value] of fields.entries()) {
      const path = prefix + name;
      const nested = value instanceof BDoc && value.size > 0 && !value.keys()[0]!.startsWith('$');
      if (nested) add(value, `${path}.`);
      else addToProjection(root, path, { compute: compileExpression(value, ctx) });
    }
  };
  add(spec, '');
  return (doc) => project(root, doc);
}

/** Compiles `$unset`. */
export function compileUnset(paths: readonly string[]): (doc: BDoc) => BDoc {
  const root = projectionNode(true);
  for (const path of paths) addToProjection(root, path, { field: 'drop' });
  return (doc) => project(root, doc);
}

interface Entry {
  readonly path: string;
  readonly kind: 'include' | 'exclude' | 'computed' | 'elemMatch' | 'slice' | 'positional';
  readonly placement: Placement;
}

class ProjectionParser {
  private readonly entries: Entry[] = [];
  private inclusion: boolean | undefined;

  constructor(
    private readonly ctx: EvalContext,
    private readonly options: ProjectionOptions,
  ) {}

  compile(spec: BDoc): (doc: BDoc) => BDoc {
    this.read(spec, '');
    const root = projectionNode(!this.isInclusion());
    if (
      this.isInclusion() &&
      !this.entries.some((entry) => entry.path === '_id' || entry.path.startsWith('_id.'))
    ) {
      root.fields.set('_id', 'keep');
    }
    for (const entry of this.entries) addToProjection(root, entry.path, entry.placement);
    return (doc) => project(root, doc);
  }

  /** Only named `_id`, `$slice` or nothing else: what they say decides. */
  private isInclusion(): boolean {
    if (this.inclusion !== undefined) return this.inclusion;
    return this.entries.some((entry) => entry.kind !== 'exclude' && entry.kind !== 'slice');
  }

  private read(spec: BDoc, prefix: string): void {
    for (const [name, value] of spec.entries()) this.readField(prefix + name, value);
  }

  private readField(path: string, value: BValue): void {
    if (typeof value === 'boolean' || isNumber(value)) {
      this.readFlag(path, typeof value === 'boolean' ? value : !isZero(value));
    } else if (!(value instanceof BDoc)) {
      this.addComputed(path, value);
    } else if (value.size === 0) {
      throw new CommandError(
        51270,
        `An empty sub-projection is not a valid value. Found empty object at path ${path}`,
      );
    } else if (value.keys()[0]!.startsWith('$')) {
      this.readOperator(path, value);
    } else {
      this.read(value, `${path}.`);
    }
  }

  private readFlag(path: string, include: boolean): void {
    if (include && this.options.find && path.endsWith('.$')) return this.addPositional(path.slice(0, -2));
    if (path !== '_id') this.decide(path, include);
    const placement: Placement = { field: include ? 'keep' : 'drop' };
    this.entries.push({ path, kind: include ? 'include' : 'exclude', placement });
  }

  private decide(path: string, include: boolean): void {
    this.inclusion ??= include;
    if (this.inclusion === include) return;
    throw include
      ? new CommandError(31253, `Cannot do inclusion on field ${path} in exclusion projection`)
      : new CommandError(31254, `Cannot do exclusion on field ${path} in inclusion projection`);
  }

  private readOperator(path: string, value: BDoc): void {
    const [operator, operand] = value.entries()[0]!;
    if (operator === '$meta') throw unsupported('$meta');
    if (!this.options.find || (operator !== '$slice' && operator !== '$elemMatch'))
      return this.addComputed(path, value);
    if (value.size > 1)
      throw new CommandError(
        'BadValue',
        `${operator} in a projection stands alone, got ${value.keys().join(', ')}`,
      );
    if (operator === '$elemMatch') return this.addElemMatch(path, operand);
    if (Array.isArray(operand) && !isNumber(operand[0])) return this.addComputed(path, value);
    this.entries.push({ path, kind: 'slice', placement: { field: sliced(operand) } });
  }

  private addComputed(path: string, value: BValue): void {
    if (path !== '_id') {
      if (this.inclusion === false) {
        throw new CommandError(31252, 'Cannot use expression other than $meta in exclusion projection');
      }
      this.inclusion = true;
    }
    this.entries.push({ path, kind: 'computed', placement: { compute: compileExpression(value, this.ctx) } });
  }

  private addElemMatch(path: string, operand: BValue): void {
    if (path.includes('.'))
      throw new CommandError(31255, 'Cannot use $elemMatch projection on a nested field');
    if (!(operand instanceof BDoc))
      throw new CommandError(
        31274,
        `elemMatch: Invalid argument, object required, but got ${typeof operand}`,
      );
    const matches = elementMatcher(operand, this.ctx);
    const compute = (root: BDoc): BValue | undefined => {
      const value = root.get(path);
      const found = Array.isArray(value) ? value.find(matches) : undefined;
      return found === undefined ? undefined : [found];
    };
    this.entries.push({ path, kind: 'elemMatch', placement: { compute, atEnd: true } });
  }

  private addPositional(path: string): void {
    if (this.entries.some((entry) => entry.kind === 'positional')) {
      throw new CommandError(31276, 'Cannot specify more than one positional projection per query.');
    }
    this.decide(path, true);
    const filter = this.options.filter;
    if (!filter) throw new CommandError(51246, "positional operator '.$' needs a query on the array");
    const matcher = compileFilter(filter, this.ctx);
    const pick: Reshape = (value, root) => {
      if (!Array.isArray(value)) return value;
      const at = matcher.position(root);
      if (at !== undefined && at < value.length) return [value[at]!];
      throw new CommandError(51246, "positional operator '.$' couldn't find a matching element in the array");
    };
    this.entries.push({ path, kind: 'positional', placement: { field: pick } });
  }
}

function elementMatcher(operand: BDoc, ctx: EvalContext): (element: BValue) => boolean {
  if (isOperatorDocument(operand) && !/^\$(and|or|nor|expr)$/.test(operand.keys()[0]!)) {
    return compileValueFilter(operand, ctx);
  }
  const matcher = compileFilter(operand, ctx);
  return (element) => element instanceof BDoc && matcher.matches(element);
}

function sliced(operand: BValue): Reshape {
  const parts = Array.isArray(operand) ? operand.map(toSafeInteger) : [toSafeInteger(operand)];
  if (parts.length > 2 || parts.includes(undefined)) {
    throw new CommandError(28667, '$slice in a projection takes a number or [skip, limit]');
  }
  const [first, limit] = parts as [number, number?];
  if (limit !== undefined && limit <= 0) {
    throw new CommandError(28724, `$slice limit must be positive, got ${limit}`);
  }
  return (value) => {
    if (!Array.isArray(value)) return value;
    const [from, to] =
      limit === undefined ? sliceBounds(value.length, first) : sliceBounds(value.length, first, limit);
    return value.slice(from, to);
  };
}
