import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';

/** A hint is an index name or its key pattern; an empty pattern is none. */
export function hintOf(hint: BValue | undefined): string | BDoc | undefined {
  if (hint === undefined || typeof hint === 'string') return hint;
  if (hint instanceof BDoc) return hint.size > 0 ? hint : undefined;
  throw new CommandError('FailedToParse', 'hint must be a string or an object');
}
