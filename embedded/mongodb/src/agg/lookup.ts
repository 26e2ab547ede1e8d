import { BSONRegExp } from 'bson';
import { expectArray, expectDocument, expectNames, expectText } from '../bson/expect.js';
import { hashKey, type HashKey } from '../bson/keystring.js';
import { BDoc, type BValue } from '../bson/values.js';
import { unsupported, failedToParse } from '../errors.js';
import { distinct } from '../expr/accumulators.js';
import { fieldPath, type PipelineContext } from '../expr/compiler.js';
import { compileExpression } from '../expr/expression.js';
import { variableName } from '../expr/logic.js';
import { atPath, isPosition } from '../query/path-test.js';
import { withField, type StageCompiler, type SubPipeline } from './document-stages.js';

/** Documents joined with one query. */
const BATCH = 1000;
const FIELDS = ['from', 'localField', 'foreignField', 'as', 'let', 'pipeline'];

/**
 * `$lookup`: an equality of two fields (one query for a batch of documents), a pipeline over the other collection with
 * the variables of `let`, or both: then the pipeline runs over what the equality found.
 */
export const lookupStage: StageCompiler = (spec, ctx, sub) => {
  const options = expectDocument(spec, 'FailedToParse', 'the $lookup specification');
  expectNames(options, FIELDS, 'FailedToParse', '$lookup');
  const text = (key: string): string => expectText(options.get(key), 'FailedToParse', `${key} of $lookup`);
  if (typeof options.get('from') !== 'string') throw unsupported('$lookup without a collection in "from"');
  const as = fieldPath(text('as'));
  const piped = options.has('pipeline');
  const byFields = options.has('localField') || options.has('foreignField') || !piped;
  const join = byFields ? fieldJoin(text('from'), text('localField'), text('foreignField'), ctx) : undefined;
  if (!piped && options.has('let')) throw failedToParse("$lookup: 'let' needs a 'pipeline'");
  const begin = piped ? correlatedPipeline(text('from'), options, ctx, sub) : undefined;
  return function* (input) {
    const pipeline = begin?.();
    for (const batch of batches(input)) {
      const found = join?.(batch);
      for (const [at, doc] of batch.entries()) {
        yield withField(doc, as, pipeline ? pipeline(doc, found?.[at]) : found![at]!);
      }
    }
  };
};

function* batches(input: Iterable<BDoc>): Iterable<BDoc[]> {
  let batch: BDoc[] = [];
  for (const doc of input) {
    batch.push(doc);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** For each document of a batch those of the other collection, in their order. */
function fieldJoin(
  from: string,
  local: string,
  foreign: string,
  ctx: PipelineContext,
): (batch: readonly BDoc[]) => BDoc[][] {
  const localPath = fieldPath(local);
  fieldPath(foreign);
  return (batch) => {
    const wanted = batch.map((doc) => {
      const values = valuesAt(doc, localPath);
      return values.length > 0 ? values : [null];
    });
    const docs = [...ctx.find(from, { filter: joinFilter(foreign, distinct(wanted.flat())) }, ctx)];
    const positions = positionsByValue(docs, foreign);
    return wanted.map((values) => {
      const found = new Set(values.flatMap((value) => positions.get(hashKey(value)) ?? []));
      return [...found].sort((a, b) => a - b).map((at) => docs[at]!);
    });
  };
}

/** What a document is joined by: all values at the path, of arrays their elements; none where there are only gaps. */
function valuesAt(doc: BDoc, [name, ...rest]: readonly string[]): BValue[] {
  let value = doc.get(name!);
  // A number names a position of an array.
  while (Array.isArray(value) && isPosition(rest[0] ?? '')) value = value[Number(rest.shift())];
  const values = value === undefined ? [] : [value].flat();
  return rest.length === 0
    ? values
    : values.flatMap((one) => (one instanceof BDoc ? valuesAt(one, rest) : []));
}

function joinFilter(foreign: string, values: readonly BValue[]): BDoc {
  // In a list a regular expression would be matched as a pattern; a join wants the same expression.
  const regexes = values.filter((value) => value instanceof BSONRegExp);
  const others = values.filter((value) => !(value instanceof BSONRegExp));
  const inList = BDoc.of([foreign, BDoc.of(['$in', others])]);
  const same = regexes.map((regex) => BDoc.of([foreign, BDoc.of(['$eq', regex])]));
  return same.length === 0 ? inList : BDoc.of(['$or', [inList, ...same]]);
}

function positionsByValue(docs: readonly BDoc[], foreign: string): Map<HashKey, number[]> {
  const positions = new Map<HashKey, number[]>();
  let at = 0;
  const collect = atPath(foreign).each((value) => {
    const key = hashKey(value ?? null);
    const list = positions.get(key);
    if (!list) positions.set(key, [at]);
    else if (list.at(-1) !== at) list.push(at);
    return false;
  });
  for (; at < docs.length; at++) collect(docs[at]!);
  return positions;
}

/** Begins a run, in which each document has its result of the pipeline, over `joined` or else over the other collection. */
function correlatedPipeline(
  from: string,
  options: BDoc,
  ctx: PipelineContext,
  sub: SubPipeline,
): () => (doc: BDoc, joined?: BDoc[]) => BDoc[] {
  const bound = expectDocument(options.get('let') ?? BDoc.of(), 'FailedToParse', 'let of $lookup').entries();
  const variables = bound.map(
    ([name, value]) => [variableName(name), compileExpression(value, ctx)] as const,
  );
  const vars = new Map(ctx.vars);
  for (const [name] of variables) vars.set(name, null);
  const pipeline = expectArray(options.get('pipeline'), 'TypeMismatch', 'pipeline of $lookup');
  const stages = sub(pipeline, { ...ctx, vars }, '$lookup');
  return () => {
    // What a pipeline without variables of its own answers for every document of one run.
    let same: BDoc[] | undefined;
    return (doc, joined) => {
      // The variables of a $lookup around this one change with its documents.
      for (const [name, value] of ctx.vars) vars.set(name, value);
      for (const [name, value] of variables) vars.set(name, value(doc));
      if (joined) return [...stages.run(joined)];
      const result = same ?? [...stages.runOn(from)];
      if (variables.length === 0) same = result;
      return result;
    };
  };
}
