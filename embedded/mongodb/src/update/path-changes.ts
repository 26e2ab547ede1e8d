import { describe } from '../bson/expect.js';
import { compareText } from '../bson/keystring.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, badValue } from '../errors.js';
import { isPosition } from '../query/path-test.js';
import { OF_DBREF } from '../query/leaf-predicate.js';

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
 * What one operator does at one path: the new value for the current one, `undefined` meaning a missing field on both
 * sides. It returns `current` itself if nothing changes.
 */
export type Modifier = (current: BValue | undefined, path: string, state: UpdateState) => BValue | undefined;

/** One operator at one path, which may hold `$`, `$[]` and `$[identifier]`. */
export interface PathChange {
  readonly parts: readonly string[];
  readonly modifier: Modifier;
}

/** Applies changes of different paths to a document; the same document comes back if nothing changed. */
export function applyChanges(changes: readonly PathChange[], doc: BDoc, state: UpdateState): BDoc {
  const paths = changes.some(({ parts }) => parts.some(isDynamic))
    ? separate(changes.flatMap((change) => resolved(change, state)))
    : changes;
  const copies = new Set<BValue>();
  return paths.reduce((current, { parts, modifier }) => {
    return changedAt(current, parts, (value) => modifier(value, parts.join('.'), state), copies) as BDoc;
  }, doc);
}

/**
 * Changes in the order in which MongoDB applies them: by name, and positions by number.
 * @throws CommandError ConflictingUpdateOperators (40) if two meet in one path.
 */
export function separate(changes: PathChange[]): PathChange[] {
  const conflict = (path: string): string => `Updating the path '${path}' would create a conflict`;
  const refusal = (path: string): CommandError =>
    new CommandError('ConflictingUpdateOperators', conflict(path));
  const claim = claims(refusal);
  const isArray = new Map<string, boolean>();
  for (const { parts } of changes) {
    claim(parts.join('.'));
    // `$[]` and names do not stand side by side.
    for (const [at, part] of parts.entries()) {
      const above = parts.slice(0, at).join('.');
      const dynamic = arrayIdentifier(part) !== null;
      if ((isArray.get(above) ?? dynamic) !== dynamic) throw refusal(parts.join('.'));
      isArray.set(above, dynamic);
    }
  }
  return changes.sort(({ parts: a }, { parts: b }) => {
    const at = a.findIndex((part, i) => part !== b[i]);
    const [x = '', y = ''] = [a[at], b[at]];
    return isPosition(x) && isPosition(y) ? Number(x) - Number(y) : compareText(x, y);
  });
}

/** Refuses a path that is, contains or lies in one that was claimed before. */
export function claims(conflict: (path: string) => CommandError): (path: string) => void {
  const taken = new Set<string>();
  const above = new Set<string>();
  return (path) => {
    const parts = path.split('.');
    const prefixes = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'));
    if (taken.has(path) || above.has(path) || prefixes.some((one) => taken.has(one))) throw conflict(path);
    taken.add(path);
    for (const prefix of prefixes) above.add(prefix);
  };
}

/** A change for each array element that its path stands for in the document before the update. */
function resolved({ parts, modifier }: PathChange, state: UpdateState): PathChange[] {
  let found: { path: string[]; value: BValue | undefined }[] = [{ path: [], value: state.original }];
  for (const part of parts) {
    found = found.flatMap(({ path, value }) =>
      names(part, path, value, state).map((name) => ({ path: [...path, name], value: below(value, name) })),
    );
  }
  return found.map(({ path }) => ({ parts: path, modifier }));
}

function names(part: string, path: string[], value: BValue | undefined, state: UpdateState): string[] {
  if (part === '$') return [String(state.position())];
  const identifier = arrayIdentifier(part);
  if (identifier === null) return [part];
  if (!Array.isArray(value))
    throw badValue(`Array updates need an array at '${path.join('.')}', not ${describe(value)}`);
  const all = value.map((_, at) => String(at));
  return identifier === '' ? all : all.filter((at) => state.passes(identifier, value[Number(at)]!));
}

/**
 * The value at a path. @throws CommandError PathNotViable (28) where nothing could stand there: below a scalar, or below
 * an array without a position.
 */
export function valueAtPath(doc: BDoc, path: readonly string[]): BValue | undefined {
  let value: BValue | undefined = doc;
  for (const [at, name] of path.entries()) {
    if (value === undefined) return undefined;
    if (Array.isArray(value) ? !isPosition(name) : !(value instanceof BDoc)) throw notViable(value, path, at);
    value = below(value, name);
  }
  return value;
}

function notViable(value: BValue, path: readonly string[], at: number): CommandError {
  const element = `{${path.slice(0, at).join('.')}: ${describe(value)}}`;
  return new CommandError('PathNotViable', `Cannot create field '${path[at]}' in element ${element}`);
}

function below(value: BValue | undefined, name: string): BValue | undefined {
  if (Array.isArray(value)) return isPosition(name) ? value[Number(name)] : undefined;
  return value instanceof BDoc ? value.get(name) : undefined;
}

/**
 * The value with what stands at the path, from part `at` on, changed; itself if nothing changes. What is among `copies`
 * was copied for an earlier change and is changed in place.
 */
export function changedAt(
  current: BValue | undefined,
  parts: readonly string[],
  change: (value: BValue | undefined) => BValue | undefined,
  copies = new Set<BValue>(),
  at = 0,
): BValue | undefined {
  if (at === parts.length) return change(current);
  const name = parts[at]!;
  const before = below(current, name);
  const after = changedAt(before, parts, change, copies, at + 1);
  if (after === before) return current;
  if (Array.isArray(current) && isPosition(name)) {
    const position = Number(name);
    if (position > current.length + MAX_PADDING)
      throw new CommandError('CannotBackfillArray', `too many elements to fill before '${parts.join('.')}'`);
    const next = copies.has(current) ? current : [...current];
    copies.add(next);
    while (next.length < position) next.push(null);
    // An element is never removed by its position, because the others would move: it becomes null.
    next[position] = after ?? null;
    return next;
  }
  if (current === undefined || current instanceof BDoc) {
    const next = current && copies.has(current) ? current : (current?.clone() ?? BDoc.of());
    copies.add(next);
    if (after === undefined) next.delete(name);
    else next.set(name, after);
    return next;
  }
  throw notViable(current, parts, at);
}

/** Splits and checks the path of an update operator. */
export function updatePath(path: string): string[] {
  const parts = path.split('.');
  for (const [at, part] of parts.entries()) {
    if (part === '')
      throw new CommandError('EmptyFieldName', `The update path '${path}' contains an empty field name.`);
    if (!part.startsWith('$') || OF_DBREF.has(part)) continue;
    const message = `The dollar ($) prefixed field '${part}' in '${path}' is not valid.`;
    if (!isDynamic(part)) throw new CommandError('DollarPrefixedFieldName', message);
    if (at === 0 || !/^\$(\[.*\])?$/.test(part))
      throw badValue(`'${part}' must be closed and cannot come first in path '${path}'`);
  }
  if (parts.filter((part) => part === '$').length > 1)
    throw badValue(`Too many positional (i.e. '$') elements found in path '${path}'`);
  return parts;
}

/** Whether a part of a path stands for array elements that are found while the update is applied. */
export const isDynamic = (part: string): boolean => part === '$' || part.startsWith('$[');

/** The identifier of `$[identifier]`; '' for `$[]`; null for a field name or `$`. */
export function arrayIdentifier(part: string): string | null {
  return part.startsWith('$[') ? part.slice(2, -1) : null;
}
