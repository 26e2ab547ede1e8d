import { expectDocument, expectNames, expectText } from '../bson/expect.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { compileAddFields, compileProject, compileUnset } from '../query/projection.js';

type DocumentStage = (doc: BDoc) => BDoc;

/** A stage that turns each document into one document; `null` if `name` is not such a stage. */
export function compileDocumentStage(name: string, spec: BValue, ctx: EvalContext): DocumentStage | null {
  switch (name) {
    case '$set':
    case '$addFields':
      return compileAddFields(expectDocument(spec, 40272, name), ctx);
    case '$unset':
      return compileUnset(unsetPaths(spec));
    case '$project':
      return compileProject(expectDocument(spec, 15969, name), ctx);
    case '$replaceWith':
      return replaceWith(spec, ctx);
    case '$replaceRoot': {
      const options = expectDocument(spec, 40229, name);
      expectNames(options, ['newRoot'], 40231, name);
      if (!options.has('newRoot'))
        throw new CommandError(40231, 'no newRoot specified for the $replaceRoot stage');
      return replaceWith(options.get('newRoot')!, ctx);
    }
    default:
      return null;
  }
}

function unsetPaths(spec: BValue): string[] {
  const list = Array.isArray(spec) ? spec : [spec];
  if (list.length === 0)
    throw new CommandError(31119, '$unset must be a string or an array with at least one field');
  return list.map((path) => expectText(path, 31120, 'a field of $unset'));
}

function replaceWith(spec: BValue, ctx: EvalContext): DocumentStage {
  const expression = compileExpression(spec, ctx);
  return (doc) => expectDocument(expression(doc), 40228, "the value of the 'newRoot' expression");
}

const IN_UPDATES = ['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith'];

/** Compiles a pipeline that is used as an update. */
export function compileUpdateStages(stages: readonly BValue[], ctx: EvalContext): DocumentStage {
  const steps = stages.map((stage) => {
    const entries = expectDocument(stage, 40323, 'a pipeline stage').entries();
    if (entries.length !== 1)
      throw new CommandError(40323, 'A pipeline stage must contain exactly one field.');
    const [name, spec] = entries[0]!;
    if (IN_UPDATES.includes(name)) return compileDocumentStage(name, spec, ctx)!;
    throw new CommandError('InvalidOptions', `${name} is not allowed to be used within an update`);
  });
  return (doc) => steps.reduce((current, step) => step(current), doc);
}
