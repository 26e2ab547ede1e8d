import { CommandError } from '../errors.js';

/** Splits and checks the path of an update operator, which may hold `$`, `$[]` and `$[identifier]`. */
export function updatePath(path: string): string[] {
  const parts = path.split('.');
  for (const [at, part] of parts.entries()) checkPart(path, part, at);
  if (parts.filter((part) => part === '$').length > 1) {
    throw new CommandError('BadValue', `Too many positional (i.e. '$') elements found in path '${path}'`);
  }
  return parts;
}

function checkPart(path: string, part: string, at: number): void {
  if (part === '')
    throw new CommandError('EmptyFieldName', `The update path '${path}' contains an empty field name.`);
  if (!part.startsWith('$') || part === '$id' || part === '$ref' || part === '$db') return;
  if (!isDynamic(part)) {
    throw new CommandError(
      'DollarPrefixedFieldName',
      `The dollar ($) prefixed field '${part}' in '${path}' is not valid.`,
    );
  }
  if (at > 0 && /^\$(\[.*\])?$/.test(part)) return;
  throw new CommandError('BadValue', `'${part}' must be closed and cannot come first in path '${path}'`);
}

/** Whether a part of a path stands for array elements that are found while the update is applied. */
export const isDynamic = (part: string): boolean => part === '$' || part.startsWith('$[');

/** The identifier of `$[identifier]`; '' for `$[]`; null for a field name or `$`. */
export function arrayIdentifier(part: string): string | null {
  return part.startsWith('$[') ? part.slice(2, -1) : null;
}
