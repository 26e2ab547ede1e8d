import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { correlatedFilter } from './correlated-filter.js';
import type { StageCompiler } from './stage.js';

const NOT_IN_FACET = new Set([
  '$facet',
  '$out',
  '$merge',
  '$collStats',
  '$indexStats',
  '$geoNear',
  '$changeStream',
]);

/** `$facet`: several pipelines over the same documents, one result document. */
export const facetStage: StageCompiler = (spec, ctx, sub) => {
  if (!(spec instanceof BDoc) || spec.size === 0) {
    throw new CommandError(40169, 'the $facet specification must be a non-empty object');
  }
  const facets = spec.entries().map(([name, stages]) => {
    if (name.startsWith('$') || name.includes('.') || name === '') {
      throw new CommandError('FailedToParse', `$facet output names must be plain field names, got '${name}'`);
    }
    if (!Array.isArray(stages)) {
      throw new CommandError(40170, `arguments to $facet must be arrays, ${name} is not`);
    }
    for (const stage of stages) checkFacetStage(stage);
    return { name, pipeline: sub(stages, ctx) };
  });
  return function* (input) {
    const docs = [...input];
    yield BDoc.of(...facets.map(({ name, pipeline }): [string, BValue] => [name, [...pipeline.run(docs)]]));
  };
};

function checkFacetStage(stage: BValue): void {
  const name = stage instanceof BDoc ? stage.keys()[0] : undefined;
  if (name !== undefined && NOT_IN_FACET.has(name)) {
    throw new CommandError(40600, `${name} is not allowed to be used within a $facet stage`);
  }
}

/** `$unionWith`: the input, then the documents of another collection. */
export const unionWithStage: StageCompiler = (spec, ctx, sub) => {
  const options = typeof spec === 'string' ? BDoc.of(['coll', spec]) : spec;
  if (!(options instanceof BDoc)) {
    throw new CommandError('FailedToParse', 'the $unionWith stage specification must be an object or string');
  }
  const unknown = options.keys().find((key) => key !== 'coll' && key !== 'pipeline');
  if (unknown) throw new CommandError(40415, `BSON field '$unionWith.${unknown}' is an unknown field.`);
  const collection = options.get('coll');
  if (typeof collection !== 'string') throw unsupported('$unionWith without the name of a collection');
  const stages = options.get('pipeline') ?? [];
  if (!Array.isArray(stages))
    throw new CommandError('TypeMismatch', "$unionWith 'pipeline' must be an array");
  const pipeline = sub(stages, ctx);
  return function* (input) {
    yield* input;
    yield* pipeline.run(ctx.find(collection, correlatedFilter(pipeline.leadingMatch, ctx.vars)));
  };
};
