import type { BDoc, BValue } from '../bson/values.js';
import type { PipelineContext } from '../expr/context.js';

/** A compiled stage: documents in, documents out. It may be run more than once. */
export type Stage = (input: Iterable<BDoc>) => Iterable<BDoc>;

/** Compiles a pipeline inside a stage (`$facet`, `$lookup`, `$unionWith`). */
export type SubPipeline = (stages: readonly BValue[], ctx: PipelineContext) => CompiledStages;

/** Stages in order, with what the server can do for them beforehand. */
export interface CompiledStages {
  /** The filter of the leading `$match` stages. */
  readonly leadingMatch: BDoc | null;
  run(input: Iterable<BDoc>): Iterable<BDoc>;
}

export type StageCompiler = (spec: BValue, ctx: PipelineContext, sub: SubPipeline) => Stage;
