import { BDoc, type BValue } from '../bson/values.js';
import type { PipelineContext } from '../expr/context.js';

/** A compiled stage: documents in, documents out. It may be run more than once. */
export type Stage = (input: Iterable<BDoc>) => Iterable<BDoc>;

/** Compiles a pipeline inside a stage (`$facet`, `$lookup`, `$unionWith`). */
export type SubPipeline = (stages: readonly BValue[], ctx: PipelineContext) => CompiledStages;

/** Stages in order. */
export interface CompiledStages {
  run(input: Iterable<BDoc>): Iterable<BDoc>;
  /** Over a collection of the same database, whose planner serves the leading `$match`. */
  runOn(collection: string): Iterable<BDoc>;
}

export type StageCompiler = (spec: BValue, ctx: PipelineContext, sub: SubPipeline) => Stage;

/** A copy with the value at the path; `undefined` removes it. */
export function withField(doc: BDoc, path: readonly string[], value: BValue | undefined): BDoc {
  const [name, ...rest] = path as [string, ...string[]];
  const copy = doc.clone();
  const child = copy.get(name);
  const next = rest.length === 0 ? value : withField(child instanceof BDoc ? child : BDoc.of(), rest, value);
  if (next === undefined) copy.delete(name);
  else copy.set(name, next);
  return copy;
}
