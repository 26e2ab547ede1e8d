import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileDocumentStage } from './document-stages.js';

const ALLOWED = new Set(['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith']);

/** Compiles a pipeline that is used as an update. */
export function compileUpdateStages(stages: readonly BValue[], ctx: EvalContext): (doc: BDoc) => BDoc {
  const steps = stages.map((stage) => {
    if (!(stage instanceof BDoc) || stage.size !== 1) {
      throw new CommandError(40323, 'A pipeline stage specification object must contain exactly one field.');
    }
    const [name, spec] = stage.entries()[0]!;
    if (!ALLOWED.has(name)) {
      throw new CommandError('InvalidOptions', `${name} is not allowed to be used within an update`);
    }
    return compileDocumentStage(name, spec, ctx)!;
  });
  return (doc) => steps.reduce((current, step) => step(current), doc);
}
