import { CommandError } from '../errors.js';

/** Splits and checks the path of an update operator, which may hold `$`, `$[]` and `$[identifier]`. */
export function updatePath(path: string): string[] {
  if (path === '') throw new CommandError('EmptyFieldName', 'An empty update path is not valid.');
  const parts = path.split('.');
  for (const [at, part] of parts.entries()) checkPart(path, part, at);
  if (parts.filter((part) => part === '$').length > 1) {
    throw new CommandError('BadValue', `Too many positional (i.e. '$') elements found in path '${path}'`);
  }
  return parts;
}

function checkPart(path: string, part: string, at: number): void {
  if (part === '') {
    throw new CommandError(
      'EmptyFieldName',
      `The update path '${path}' contains an empty field name, which is not allowed.`,
    );
  }
  if (!part.startsWith('$') || part === '$id' || part === '$ref' || part === '$db') return;
  if (part === '$' || part.startsWith('$[')) {
    if (at > 0 && (part === '$' || part.endsWith(']'))) return;
    const what = part === '$' ? `positional (i.e. '$')` : `array filter identifier (i.e. '$[<id>]')`;
    throw new CommandError(
      'BadValue',
      at === 0
        ? `Cannot have ${what} element in the first position in path '${path}'`
        : `Found an array filter identifier without its closing bracket in path '${path}'`,
    );
  }
  throw new CommandError(
    'DollarPrefixedFieldName',
    `The dollar ($) prefixed field '${part}' in '${path}' is not valid for storage.`,
  );
}

/** The identifier of `$[identifier]`; '' for `$[]`; null for a field name or `$`. */
export function arrayIdentifier(part: string): string | null {
  return part.startsWith('$[') ? part.slice(2, -1) : null;
}

/** The position that a field name stands for in an array. */
export function arrayPosition(part: string): number | null {
  return /^(0|[1-9]\d*)$/.test(part) ? Number(part) : null;
}
