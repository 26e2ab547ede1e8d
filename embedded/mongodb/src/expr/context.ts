import type { BDoc } from '../bson/values.js';
import type { Value } from './compiler.js';

/** What an operation fixes once for all its documents. */
export interface EvalContext {
  /** `$$NOW` and `$currentDate`. */
  readonly now: Date;
  /** Variables of the command's `let`, without `$$`. */
  readonly vars: ReadonlyMap<string, Value>;
}

/** What a pipeline may ask of the server. */
export interface PipelineContext extends EvalContext {
  readonly db: string;
  /** Documents of a collection of the same database, through an index where one helps. */
  find(collection: string, filter: BDoc, ctx: EvalContext): Iterable<BDoc>;
}
