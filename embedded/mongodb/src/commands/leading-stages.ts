import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { integer } from './schema.js';

/** The start of a pipeline that a find can do, with indexes, and what is left. */
export interface LeadingStages {
  filter: BDoc;
  sort: BDoc | undefined;
  skip: number | undefined;
  limit: number | undefined;
  rest: BValue[];
}

/** Takes `$match ... $sort $skip $limit`, in this order, from the front of a pipeline. */
export function leadingStages(pipeline: readonly BValue[]): LeadingStages {
  const stages = [...pipeline];
  const filters: BDoc[] = [];
  for (
    let match = operand(stages[0], '$match');
    match instanceof BDoc;
    match = operand(stages[0], '$match')
  ) {
    filters.push(match);
    stages.shift();
  }
  const sort = take(stages, '$sort', (value) =>
    value instanceof BDoc && value.size > 0 ? value : undefined,
  );
  const skip = take(stages, '$skip', (value) => positive(value, 0));
  const limit = take(stages, '$limit', (value) => positive(value, 1));
  const filter = filters.length > 1 ? BDoc.of(['$and', filters]) : (filters[0] ?? BDoc.of());
  return { filter, sort, skip, limit, rest: stages };
}

function take<T>(stages: BValue[], name: string, accept: (value: BValue) => T | undefined): T | undefined {
  const value = operand(stages[0], name);
  const accepted = value === undefined ? undefined : accept(value);
  if (accepted !== undefined) stages.shift();
  return accepted;
}

function operand(stage: BValue | undefined, name: string): BValue | undefined {
  return stage instanceof BDoc && stage.size === 1 ? stage.get(name) : undefined;
}

function positive(value: BValue, least: number): number | undefined {
  const number = integer(value);
  return number !== undefined && number >= least && Number(value) === number ? number : undefined;
}
