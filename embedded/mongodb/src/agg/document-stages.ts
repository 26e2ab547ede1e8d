import { typeNameOrMissing } from '../bson/type-of.js';
import { describe } from '../bson/describe.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { compileAddFields, compileProject, compileUnset } from '../query/projection.js';

export type DocumentStage = (doc: BDoc) => BDoc;

/** A stage that turns each document into one document; `null` if `name` is not such a stage. */
export function compileDocumentStage(name: string, spec: BValue, ctx: EvalContext): DocumentStage | null {
  switch (name) {
    case '$set':
    case '$addFields':
      if (!(spec instanceof BDoc)) {
        throw new CommandError(
          40272,
          `${name} specification stage must be an object, got ${typeNameOrMissing(spec)}`,
        );
      }
      return compileAddFields(spec, ctx);
    case '$unset':
      return compileUnset(unsetPaths(spec));
    case '$project':
      if (!(spec instanceof BDoc)) throw new CommandError(15969, '$project specification must be an object');
      return compileProject(spec, ctx);
    case '$replaceWith':
      return replaceWith(spec, ctx);
    case '$replaceRoot':
      if (!(spec instanceof BDoc)) {
        throw new CommandError(
          40229,
          `expected an object as specification for $replaceRoot stage, got ${typeNameOrMissing(spec)}`,
        );
      }
      if (!spec.has('newRoot') || spec.size > 1) {
        throw new CommandError(
          40231,
          'no newRoot specified for the $replaceRoot stage, or other fields beside it',
        );
      }
      return replaceWith(spec.get('newRoot')!, ctx);
    default:
      return null;
  }
}

function unsetPaths(spec: BValue): string[] {
  const list = Array.isArray(spec) ? spec : [spec];
  if (list.length === 0) {
    throw new CommandError(
      31119,
      '$unset specification must be a string or an array with at least one field',
    );
  }
  return list.map((path) => {
    if (typeof path === 'string') return path;
    throw new CommandError(
      31120,
      `$unset specification must be a string or an array containing only string fields`,
    );
  });
}

function replaceWith(spec: BValue, ctx: EvalContext): DocumentStage {
  const expression = compileExpression(spec, ctx);
  return (doc) => {
    const root = expression(doc);
    if (root instanceof BDoc) return root;
    throw new CommandError(
      40228,
      `'newRoot' expression must evaluate to an object, but resulting value was: ${describe(root)}. Type of resulting value: '${typeNameOrMissing(root)}'.`,
    );
  };
}

const IN_UPDATES = ['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith'];

/** Compiles a pipeline that is used as an update. */
export function compileUpdateStages(stages: readonly BValue[], ctx: EvalContext): DocumentStage {
  const steps = stages.map((stage) => {
    if (!(stage instanceof BDoc) || stage.size !== 1) {
      throw new CommandError(40323, 'A pipeline stage specification object must contain exactly one field.');
    }
    const [name, spec] = stage.entries()[0]!;
    if (IN_UPDATES.includes(name)) return compileDocumentStage(name, spec, ctx)!;
    throw new CommandError('InvalidOptions', `${name} is not allowed to be used within an update`);
  });
  return (doc) => steps.reduce((current, step) => step(current), doc);
}
