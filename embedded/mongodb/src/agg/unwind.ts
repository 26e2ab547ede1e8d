import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { fieldPath } from '../expr/compiler.js';
import type { Stage } from './stage.js';

interface Unwind {
  readonly path: string[];
  readonly indexPath: string[] | null;
  readonly preserve: boolean;
}

/** One document per element of an array. */
export function unwindStage(spec: BValue): Stage {
  const unwind = parse(spec);
  return function* (input) {
    for (const doc of input) yield* unwound(doc, unwind);
  };
}

function* unwound(doc: BDoc, { path, indexPath, preserve }: Unwind): Iterable<BDoc> {
  const value = fieldAt(doc, path);
  if (!Array.isArray(value)) {
    if (preserve || !isNullish(value)) yield indexPath ? withField(doc, indexPath, null) : doc;
    return;
  }
  if (value.length === 0) {
    if (!preserve) return;
    const emptied = withField(doc, path, undefined);
    yield indexPath ? withField(emptied, indexPath, null) : emptied;
    return;
  }
  for (const [at, element] of value.entries()) {
    const one = withField(doc, path, element);
    yield indexPath ? withField(one, indexPath, BigInt(at)) : one;
  }
}

/** Through documents only: an array on the way ends the path. */
function fieldAt(doc: BDoc, path: readonly string[]): BValue | undefined {
  let value: BValue | undefined = doc;
  for (const name of path) value = value instanceof BDoc ? value.get(name) : undefined;
  return value;
}

/** A copy with the value at the path; `undefined` removes it. */
export function withField(doc: BDoc, path: readonly string[], value: BValue | undefined): BDoc {
  const [name, ...rest] = path as [string, ...string[]];
  const copy = doc.clone();
  const child = copy.get(name);
  const next = rest.length === 0 ? value : withField(child instanceof BDoc ? child : BDoc.of(), rest, value);
  if (next === undefined) copy.delete(name);
  else copy.set(name, next);
  return copy;
}

function parse(spec: BValue): Unwind {
  const options = spec instanceof BDoc ? spec : BDoc.of(['path', spec]);
  if (typeof spec !== 'string' && !(spec instanceof BDoc)) {
    throw new CommandError(15981, 'expected either a string or an object as specification for $unwind stage');
  }
  for (const key of options.keys()) {
    if (!['path', 'includeArrayIndex', 'preserveNullAndEmptyArrays'].includes(key)) {
      throw new CommandError(28811, `unrecognized option to $unwind stage: ${key}`);
    }
  }
  const path = options.get('path');
  if (path === undefined) throw new CommandError(28812, 'no path specified to $unwind stage');
  if (typeof path !== 'string')
    throw new CommandError(28808, 'expected a string as the path for $unwind stage');
  if (!path.startsWith('$')) {
    throw new CommandError(28818, `path option to $unwind stage should be prefixed with a '$': ${path}`);
  }
  const preserve = options.get('preserveNullAndEmptyArrays') ?? false;
  if (typeof preserve !== 'boolean') {
    throw new CommandError(
      28809,
      'expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage',
    );
  }
  return {
    path: fieldPath(path.slice(1)),
    indexPath: indexPathOf(options.get('includeArrayIndex')),
    preserve,
  };
}

function indexPathOf(value: BValue | undefined): string[] | null {
  if (value === undefined) return null;
  if (typeof value !== 'string' || value === '') {
    throw new CommandError(
      28810,
      'expected a non-empty string for the includeArrayIndex option to $unwind stage',
    );
  }
  if (value.startsWith('$')) {
    throw new CommandError(
      28822,
      `includeArrayIndex option to $unwind stage should not be prefixed with a '$': ${value}`,
    );
  }
  return fieldPath(value);
}
