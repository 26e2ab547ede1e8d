import type { BSONRegExp } from 'bson';
import type { BDoc, BValue } from '../bson/values.js';

export type CompareOp = '$eq' | '$gt' | '$gte' | '$lt' | '$lte';
export type BitsOp = '$bitsAllSet' | '$bitsAllClear' | '$bitsAnySet' | '$bitsAnyClear';

/** Tests of the values found at a path. Inside `elemMatchValue` the path is '' and the element itself is tested. */
export type LeafNode =
  | { readonly kind: 'cmp'; readonly path: string; readonly op: CompareOp; readonly value: BValue }
  | {
      readonly kind: 'in';
      readonly path: string;
      readonly values: readonly BValue[];
      readonly regexes: readonly BSONRegExp[];
    }
  | { readonly kind: 'exists'; readonly path: string }
  | { readonly kind: 'type'; readonly path: string; readonly codes: ReadonlySet<number> }
  | { readonly kind: 'mod'; readonly path: string; readonly divisor: bigint; readonly remainder: bigint }
  | { readonly kind: 'regex'; readonly path: string; readonly pattern: string; readonly options: string }
  | { readonly kind: 'size'; readonly path: string; readonly size: number }
  | {
      readonly kind: 'bits';
      readonly path: string;
      readonly op: BitsOp;
      readonly positions: readonly number[];
    }
  | { readonly kind: 'elemMatchObject'; readonly path: string; readonly child: FilterNode }
  | { readonly kind: 'elemMatchValue'; readonly path: string; readonly child: FilterNode };

/** A parsed filter: a plain tree that the planner reads and the matcher compiles. `$ne` and `$nin` are `not`. */
export type FilterNode =
  | LeafNode
  | { readonly kind: 'and' | 'or' | 'nor'; readonly children: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly child: FilterNode }
  | { readonly kind: 'always'; readonly value: boolean }
  | { readonly kind: 'sample'; readonly rate: number }
  | { readonly kind: 'expr'; readonly expression: BValue; readonly holds: (doc: BDoc) => boolean };
