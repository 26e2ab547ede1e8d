import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileFilter } from '../query/matcher.js';

/** Tests of array elements by identifier. */
export type ArrayFilters = ReadonlyMap<string, (element: BValue) => boolean>;

export function compileArrayFilters(filters: readonly BDoc[], ctx: EvalContext): ArrayFilters {
  const compiled = new Map<string, (element: BValue) => boolean>();
  for (const filter of filters) {
    const identifier = identifierOf(filter);
    if (compiled.has(identifier)) {
      throw new CommandError(
        'FailedToParse',
        `Found multiple array filters with the same top-level field name ${identifier}`,
      );
    }
    const matcher = compileFilter(filter, ctx);
    compiled.set(identifier, (element) => matcher.matches(BDoc.of([identifier, element])));
  }
  return compiled;
}

function identifierOf(filter: BDoc): string {
  const names = [...new Set(topLevelNames(filter))];
  const [name] = names;
  if (name === undefined) {
    throw new CommandError(
      'FailedToParse',
      'Cannot use an expression without a top-level field name in arrayFilters',
    );
  }
  if (names.length > 1) {
    throw new CommandError(
      'FailedToParse',
      `Error parsing array filter :: caused by :: Expected a single top-level field name, found '${name}' and '${names[1]}'`,
    );
  }
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
    throw new CommandError(
      'BadValue',
      `Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '${name}'`,
    );
  }
  return name;
}

function topLevelNames(filter: BDoc): string[] {
  return filter.entries().flatMap(([key, value]) => {
    if (!key.startsWith('$')) return [key.split('.')[0]!];
    return Array.isArray(value)
      ? value.flatMap((clause) => (clause instanceof BDoc ? topLevelNames(clause) : []))
      : [];
  });
}

/** Every identifier in a path needs its filter, and every filter must be used. */
export function checkIdentifiers(filters: ArrayFilters, used: ReadonlyMap<string, string>): void {
  for (const [identifier, path] of used) {
    if (filters.has(identifier)) continue;
    throw new CommandError(
      'BadValue',
      `No array filter found for identifier '${identifier}' in path '${path}'`,
    );
  }
  for (const identifier of filters.keys()) {
    if (used.has(identifier)) continue;
    throw new CommandError(
      'FailedToParse',
      `The array filter for identifier '${identifier}' was not used in the update`,
    );
  }
}
