import { describe, expectArray, expectDocument, expectNames } from '../bson/expect.js';
import { compare, hashKey, type HashKey } from '../bson/keystring.js';
import { isNumber } from '../bson/type-of.js';
import { typeRank } from '../bson/types.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { ACCUMULATORS, type Accumulator } from '../expr/accumulators.js';
import type { EvalContext } from '../expr/compiler.js';
import { compileExpression, constant, type DocumentExpression } from '../expr/expression.js';
import type { Stage } from './document-stages.js';

/** `$group`: one document per value of `_id`. */
export function groupStage(spec: BValue, ctx: EvalContext): Stage {
  const fields = expectDocument(spec, 15947, "a group's fields");
  if (!fields.has('_id')) throw new CommandError(15955, 'a group specification must include an _id');
  return grouping(compileId(fields.get('_id')!, ctx), fields, ctx);
}

/** A missing value is null as the only field of an `_id` and left out among others, as in MongoDB (SERVER-21992). */
function compileId(value: BValue, ctx: EvalContext): DocumentExpression {
  const id = compileExpression(value, ctx);
  const [first, ...others] = value instanceof BDoc ? value.entries() : [];
  if (!first || first[0].startsWith('$')) return id;
  if ([first, ...others].some(([, field]) => isNumber(field) || typeof field === 'boolean'))
    throw new CommandError(17390, '$group does not support inclusion-style expressions');
  if (others.length > 0) return id;
  return (doc) => BDoc.of([first[0], (id(doc) as BDoc).get(first[0]) ?? null]);
}

/** Groups by what `id` says; the fields besides `_id` are accumulators. */
function grouping(id: (doc: BDoc) => BValue | undefined, spec: BDoc, ctx: EvalContext): Stage {
  const fields = spec.entries().filter(([name]) => name !== '_id');
  const names = ['_id', ...fields.map(([name]) => name)];
  const outputs = fields.map(([name, value]) => compileOutput(name, value, ctx));
  return function* (input) {
    const groups = new Map<HashKey, { id: BValue; accumulators: Accumulator[] }>();
    for (const doc of input) {
      const value = id(doc) ?? null;
      const key = hashKey(value);
      let group = groups.get(key);
      if (!group) groups.set(key, (group = { id: value, accumulators: outputs.map(({ make }) => make()) }));
      const { accumulators } = group;
      for (let i = 0; i < accumulators.length; i++) accumulators[i]!.add(outputs[i]!.expression(doc));
    }
    for (const { id: value, accumulators } of groups.values()) {
      yield BDoc.from([...names], [value, ...accumulators.map((one) => one.result() ?? null)]);
    }
  };
}

/** A field of the groups: of which expression, collected by what. */
interface Output {
  readonly expression: DocumentExpression;
  readonly make: () => Accumulator;
}

function compileOutput(field: string, value: BValue, ctx: EvalContext): Output {
  if (field.includes('.')) throw new CommandError(40235, `The field name '${field}' cannot contain '.'`);
  if (field.startsWith('$'))
    throw new CommandError(40236, `The field name '${field}' cannot be an operator name`);
  const entries = expectDocument(value, 40234, `The accumulator of '${field}'`).entries();
  if (entries.length !== 1)
    throw new CommandError(40238, `The field '${field}' must specify one accumulator`);
  const [name, operand] = entries[0]!;
  if (!name.startsWith('$'))
    throw new CommandError(40234, `The field '${field}' must be an accumulator object`);
  if (name === '$count') {
    expectNames(expectDocument(operand, 'TypeMismatch', '$count'), [], 'TypeMismatch', '$count');
    return { expression: () => 1, make: ACCUMULATORS.$sum! };
  }
  if (NOT_HERE.test(name)) throw unsupported(`the accumulator ${name}`);
  if (!Object.hasOwn(ACCUMULATORS, name)) throw new CommandError(15952, `unknown group operator '${name}'`);
  if (Array.isArray(operand)) throw new CommandError(40237, `The ${name} accumulator is a unary operator`);
  return { expression: compileExpression(operand, ctx), make: ACCUMULATORS[name]! };
}

const NOT_HERE = /^\$(accumulator|median|percentile|stdDev(Pop|Samp)|(top|bottom)N?|(first|last|min|max)N)$/;

/** `$bucket`: groups by the boundaries that a value lies between, in ascending order. */
export function bucketStage(spec: BValue, ctx: EvalContext): Stage {
  const options = expectDocument(spec, 40201, 'Argument to $bucket stage');
  expectNames(options, ['groupBy', 'boundaries', 'default', 'output'], 40197, '$bucket');
  const groupBy = options.get('groupBy');
  if (groupBy === undefined || !options.has('boundaries'))
    throw new CommandError(40198, "$bucket requires 'groupBy' and 'boundaries'");
  if (!(groupBy instanceof BDoc) && !(typeof groupBy === 'string' && groupBy.startsWith('$')))
    throw new CommandError(40202, '$bucket.groupBy must be an expression');
  const given = expectArray(options.get('boundaries'), 40200, "The $bucket 'boundaries' field");
  const boundaries = given.map((value) => constant(value, ctx, 40191) ?? null);
  checkBoundaries(boundaries);
  const bucketOf = (value: BValue): BValue | undefined =>
    compare(value, boundaries.at(-1)) < 0
      ? boundaries.findLast((boundary) => compare(boundary, value) <= 0)
      : undefined;
  const other = options.get('default');
  const fallback = other === undefined ? undefined : (constant(other, ctx, 40195) ?? null);
  if (fallback !== undefined && bucketOf(fallback) !== undefined)
    throw new CommandError(40199, "The $bucket 'default' field must lie outside of the boundaries.");
  const expression = compileExpression(groupBy, ctx);
  const id = (doc: BDoc): BValue => {
    const value = expression(doc) ?? null;
    const bucket = bucketOf(value) ?? fallback;
    if (bucket !== undefined) return bucket;
    throw new CommandError(40066, `$bucket: ${describe(value)} lies in no bucket, and there is no default`);
  };
  const output = options.get('output') ?? BDoc.of(['count', BDoc.of(['$sum', 1])]);
  const group = grouping(id, expectDocument(output, 40196, "The $bucket 'output' field"), ctx);
  return (input) => [...group(input)].sort((a, b) => compare(a.get('_id'), b.get('_id')));
}

function checkBoundaries(values: readonly BValue[]): void {
  const refused = (code: number, expected: string): CommandError =>
    new CommandError(code, `The $bucket 'boundaries' must ${expected}, got ${describe([...values])}`);
  if (values.length < 2) throw refused(40192, 'have at least 2 values');
  for (const [i, value] of values.slice(1).entries()) {
    if (typeRank(value) !== typeRank(values[i])) throw refused(40193, 'have the same type');
    if (compare(values[i], value) >= 0) throw refused(40194, 'be sorted');
  }
}
