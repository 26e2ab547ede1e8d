import { BDoc } from '../bson/values.js';
import { evalContext } from '../expr/context.js';
import { indexKeys, type IndexKeys } from '../query/index-keys.js';
import { compileFilter } from '../query/matcher.js';
import type { IndexTable } from '../storage/index-table.js';
import { directions, type IndexSpec } from './index-spec.js';

/** `building` indexes are kept up to date by every write but are not yet used by reads. */
export type IndexState = 'building' | 'ready';

const NONE: IndexKeys = { keys: [], multikeyPaths: [] };

/** An index of a collection. */
export class Index {
  readonly paths: string[];
  readonly directions: (1 | -1)[];
  private readonly parts: string[][];
  /** The documents that a partial or sparse index holds. */
  private readonly holds: ((doc: BDoc) => boolean) | null;

  constructor(
    readonly spec: IndexSpec,
    readonly table: IndexTable,
    readonly state: IndexState,
    /** Paths that were an array in some document; they restrict what the planner may do. */
    readonly multikey: Set<string>,
  ) {
    this.paths = spec.key.keys();
    this.parts = this.paths.map((path) => path.split('.'));
    this.directions = directions(spec.key);
    const anyField = (): BDoc[] => this.paths.map((path) => BDoc.of([path, BDoc.of(['$exists', true])]));
    const held = spec.partial ?? (spec.sparse ? BDoc.of(['$or', anyField()]) : null);
    this.holds = held && compileFilter(held, evalContext(new Date(0))).matches;
  }

  get unique(): boolean {
    return this.spec.unique;
  }

  /** Keys of a document in this index, and the paths where it holds arrays. */
  keysOf(doc: BDoc): IndexKeys {
    return this.holds && !this.holds(doc) ? NONE : indexKeys(doc, this.parts, this.directions);
  }

  /** The array paths at or above a path. */
  arraysAt(path: string): string[] {
    return [...this.multikey].filter((array) => path === array || path.startsWith(`${array}.`));
  }

  hasArrayAt(path: string): boolean {
    return this.multikey.size > 0 && this.arraysAt(path).length > 0;
  }
}
