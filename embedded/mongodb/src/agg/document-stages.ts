import { expectDocument, expectNames, expectText } from '../bson/expect.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext, PipelineContext } from '../expr/compiler.js';
import { compileExpression } from '../expr/expression.js';
import { compileAddFields, compileProject, compileUnset } from '../query/projection.js';
import type { Pipeline } from './pipeline.js';

type DocumentStage = (doc: BDoc) => BDoc;

/** Stages that turn each document into one document; an update pipeline may hold only these. */
export const DOCUMENT_STAGES: Readonly<Record<string, (spec: BValue, ctx: EvalContext) => DocumentStage>> = {
  $set: addFields,
  $addFields: addFields,
  $unset: (spec) => {
    const list = Array.isArray(spec) ? spec : [expectText(spec, 31002, 'what $unset removes')];
    if (list.length === 0) throw new CommandError(31119, '$unset needs at least one field');
    return compileUnset(list.map((path) => expectText(path, 31120, 'a field of $unset')));
  },
  $project: (spec, ctx) => compileProject(expectDocument(spec, 15969, '$project'), ctx),
  $replaceWith: replaceWith,
  $replaceRoot: (spec, ctx) => {
    const options = expectDocument(spec, 40229, '$replaceRoot');
    expectNames(options, ['newRoot'], 40415, '$replaceRoot');
    if (!options.has('newRoot')) throw new CommandError(40414, '$replaceRoot needs newRoot');
    return replaceWith(options.get('newRoot')!, ctx);
  },
};

function addFields(spec: BValue, ctx: EvalContext): DocumentStage {
  return compileAddFields(expectDocument(spec, 40272, '$addFields'), ctx);
}

function replaceWith(spec: BValue, ctx: EvalContext): DocumentStage {
  const expression = compileExpression(spec, ctx);
  return (doc) => expectDocument(expression(doc), 40228, "the value of the 'newRoot' expression");
}

export interface NamedStage {
  readonly name: string;
  readonly spec: BValue;
}

export function stageOf(stage: BValue): NamedStage {
  const entries = expectDocument(stage, 'TypeMismatch', "Each element of the 'pipeline' array").entries();
  if (entries.length !== 1) throw new CommandError(40323, 'A pipeline stage must contain exactly one field.');
  const [name, spec] = entries[0]!;
  return { name, spec };
}

/** A compiled stage: documents in, documents out. It may be run more than once. */
export type Stage = (input: Iterable<BDoc>) => Iterable<BDoc>;

/** Compiles a pipeline inside a stage (`$facet`, `$lookup`, `$unionWith`). */
export type SubPipeline = (stages: readonly BValue[], ctx: PipelineContext, within: string) => Pipeline;

/** `limit`: how many documents of the result are needed, where the stages behind say so. */
export type StageCompiler = (spec: BValue, ctx: PipelineContext, sub: SubPipeline, limit?: number) => Stage;

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
