import { BDoc } from '../bson/values.js';
import { evalContext } from '../expr/context.js';
import { indexKeys } from '../query/index-keys.js';
import type { IndexKeys } from '../query/index-keys.js';
import { compileFilter } from '../query/matcher.js';
import type { IndexTable } from '../storage/index-table.js';
import { directions } from './index-spec.js';
import type { IndexSpec } from './index-spec.js';

/** `building` indexes are kept up to date by every write but are not yet used by reads. */
export type IndexState = 'building' | 'ready';

/** An index of a collection. */
export class Index {
  readonly directions: (1 | -1)[];
  readonly paths: string[];
  private readonly filter: { matches(doc: BDoc): boolean } | null;

  constructor(
    readonly spec: IndexSpec,
    readonly table: IndexTable,
    readonly state: IndexState,
    /** Paths that were an array in some document; they restrict what the planner may do. */
    readonly multikey: Set<string>,
  ) {
    this.paths = spec.key.keys();
    this.directions = directions(spec.key);
    this.filter = membership(spec);
  }

  get unique(): boolean {
    return this.spec.unique;
  }

  /** Keys of a document in this index, and the paths where it holds arrays. */
  keysOf(doc: BDoc): IndexKeys {
    if (this.filter && !this.filter.matches(doc)) return NONE;
    return indexKeys(doc, this.spec.key);
  }
}

const NONE: IndexKeys = { keys: [], multikeyPaths: [] };

/** The documents that a partial or sparse index holds, as a filter. */
function membership(spec: IndexSpec): { matches(doc: BDoc): boolean } | null {
  const context = evalContext(new Date(0));
  if (spec.partial) return compileFilter(spec.partial, context);
  if (!spec.sparse) return null;
  const anyField = spec.key.keys().map((path) => BDoc.of([path, BDoc.of(['$exists', true])]));
  return compileFilter(BDoc.of(['$or', anyField]), context);
}
