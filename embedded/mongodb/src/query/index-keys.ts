import { keyString } from '../bson/keystring.js';
import type { BDoc, BValue } from '../bson/values.js';
import { keyTuples } from './key-tuples.js';

/** What one document puts into one index. */
export interface IndexKeys {
  /** One KeyString per entry, without duplicates. */
  readonly keys: Buffer[];
  /** Paths (prefixes of the indexed ones) where this document holds an array. */
  readonly multikeyPaths: string[];
}

interface Pattern {
  readonly paths: string[][];
  readonly directions: (1 | -1)[];
}

const patterns = new WeakMap<BDoc, Pattern>();

/**
 * Keys of `doc` in an index with the pattern `key`. Whether a sparse or partial index holds the document at all is not
 * decided here.
 * @throws CommandError CannotIndexParallelArrays (171)
 */
export function indexKeys(doc: BDoc, key: BDoc): IndexKeys {
  const { paths, directions } = patternOf(key);
  const { tuples, arrayPaths } = keyTuples(doc, paths);
  if (tuples.length === 1)
    return { keys: [keyString(tuples[0]!, directions)], multikeyPaths: [...arrayPaths] };
  const unique = new Map<string, Buffer>();
  for (const tuple of tuples) {
    const bytes = keyString(tuple, directions);
    unique.set(bytes.toString('latin1'), bytes);
  }
  return { keys: [...unique.values()], multikeyPaths: [...arrayPaths] };
}

function patternOf(key: BDoc): Pattern {
  let pattern = patterns.get(key);
  if (!pattern) {
    const entries = key.entries();
    pattern = {
      paths: entries.map(([path]) => path.split('.')),
      directions: entries.map(([, direction]) => directionOf(direction)),
    };
    patterns.set(key, pattern);
  }
  return pattern;
}

/** A negative number sorts downwards; hashed and other named kinds upwards. */
function directionOf(direction: BValue): 1 | -1 {
  return Number(direction) < 0 ? -1 : 1;
}
