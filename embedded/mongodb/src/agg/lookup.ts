import { BSONRegExp } from 'bson';
import { hashKey, type HashKey } from '../bson/hash-key.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { fieldPath, valueAt } from '../expr/compiler.js';
import type { PipelineContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { variableName } from '../expr/logic.js';
import { atPath } from '../query/path-test.js';
import { correlatedFilter } from './correlated-filter.js';
import type { CompiledStages, Stage, StageCompiler, SubPipeline } from './stage.js';
import { withField } from './unwind.js';

/** Documents joined with one query. */
const BATCH = 1000;
const OPTIONS = ['from', 'localField', 'foreignField', 'as', 'let', 'pipeline'];

export const lookupStage: StageCompiler = (spec, ctx, sub) => {
  if (!(spec instanceof BDoc))
    throw new CommandError('FailedToParse', 'the $lookup specification must be an object');
  for (const key of spec.keys()) {
    if (!OPTIONS.includes(key))
      throw new CommandError('FailedToParse', `unknown argument to $lookup: ${key}`);
  }
  const from = spec.get('from');
  if (from === undefined || from instanceof BDoc)
    throw unsupported('$lookup without the name of a collection in "from"');
  const as = fieldPath(text(spec, 'as'));
  const pipeline = spec.get('pipeline');
  const fields = spec.has('localField') || spec.has('foreignField');
  if (pipeline === undefined) {
    if (spec.has('let')) throw new CommandError('FailedToParse', "$lookup with a 'let' needs a 'pipeline'");
    return byFields(text(spec, 'from'), text(spec, 'localField'), text(spec, 'foreignField'), as, ctx);
  }
  if (!Array.isArray(pipeline))
    throw new CommandError('TypeMismatch', "'pipeline' option must be specified as an array");
  if (fields) {
    const join = byFields(text(spec, 'from'), text(spec, 'localField'), text(spec, 'foreignField'), as, ctx);
    return thenPipeline(join, as, pipeline, spec.get('let'), ctx, sub);
  }
  return byPipeline(text(spec, 'from'), as, pipeline, spec.get('let'), ctx, sub);
};

function text(spec: BDoc, key: string): string {
  const value = spec.get(key);
  if (typeof value === 'string') return value;
  throw new CommandError('FailedToParse', `$lookup argument '${key}' must be a string`);
}

/** Equality of two fields: one query per batch of documents, then a join by hash. */
function byFields(from: string, local: string, foreign: string, as: string[], ctx: PipelineContext): Stage {
  const localPath = fieldPath(local);
  fieldPath(foreign);
  return function* (input) {
    for (const batch of batches(input)) {
      const wanted = batch.map((doc) => localValues(doc, localPath));
      const index = foreignIndex(ctx.find(from, foreignFilter(foreign, wanted.flat())), foreign);
      for (const [at, doc] of batch.entries()) yield withField(doc, as, joined(wanted[at]!, index));
    }
  };
}

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

/** What a document is joined by: a missing field as null, an array by each of its elements. */
function localValues(doc: BDoc, path: readonly string[]): BValue[] {
  const value = valueAt(doc, path, 0);
  return Array.isArray(value) ? value : [value ?? null];
}

function foreignFilter(foreign: string, values: readonly BValue[]): BDoc {
  const unique = [...new Map(values.map((value) => [hashKey(value), value])).values()];
  const regexes = unique.filter((value) => value instanceof BSONRegExp);
  const inList = BDoc.of([
    foreign,
    BDoc.of(['$in', unique.filter((value) => !(value instanceof BSONRegExp))]),
  ]);
  if (regexes.length === 0) return inList;
  // In a list a regular expression would be matched as a pattern; a join wants the same expression.
  return BDoc.of(['$or', [inList, ...regexes.map((regex) => BDoc.of([foreign, BDoc.of(['$eq', regex])]))]]);
}

interface ForeignIndex {
  readonly byValue: Map<HashKey, number[]>;
  readonly docs: BDoc[];
}

function foreignIndex(docs: Iterable<BDoc>, foreign: string): ForeignIndex {
  const byValue = new Map<HashKey, number[]>();
  const all: BDoc[] = [];
  let keys = new Set<HashKey>();
  const collect = atPath(foreign).each((value) => {
    keys.add(hashKey(value ?? null));
    return false;
  });
  for (const doc of docs) {
    keys = new Set();
    collect(doc);
    for (const key of keys) {
      const list = byValue.get(key);
      if (list) list.push(all.length);
      else byValue.set(key, [all.length]);
    }
    all.push(doc);
  }
  return { byValue, docs: all };
}

function joined(values: readonly BValue[], { byValue, docs }: ForeignIndex): BDoc[] {
  const found = new Set(values.flatMap((value) => byValue.get(hashKey(value)) ?? []));
  const positions = values.length === 1 ? [...found] : [...found].sort((a, b) => a - b);
  return positions.map((at) => docs[at]!);
}

/** A pipeline over the other collection for each document, with the variables of `let`. */
function byPipeline(
  from: string,
  as: string[],
  pipeline: BValue[],
  letSpec: BValue | undefined,
  ctx: PipelineContext,
  sub: SubPipeline,
): Stage {
  const { stages, bind, correlated, vars } = correlatedPipeline(pipeline, letSpec, ctx, sub);
  return function* (input) {
    let same: BDoc[] | undefined;
    for (const doc of input) {
      bind(doc);
      const filter = correlatedFilter(stages.leadingMatch, vars);
      const result = same ?? [...stages.run(ctx.find(from, filter))];
      if (!correlated) same = result;
      yield withField(doc, as, result);
    }
  };
}

/** Both forms in one: first the equality, then the pipeline over what it found. */
function thenPipeline(
  join: Stage,
  as: string[],
  pipeline: BValue[],
  letSpec: BValue | undefined,
  ctx: PipelineContext,
  sub: SubPipeline,
): Stage {
  const { stages, bind } = correlatedPipeline(pipeline, letSpec, ctx, sub);
  return function* (input) {
    const docs = [...input];
    let at = 0;
    for (const doc of join(docs)) {
      bind(docs[at++]!);
      yield withField(doc, as, [...stages.run(valueAt(doc, as, 0) as BDoc[])]);
    }
  };
}

interface CorrelatedPipeline {
  readonly stages: CompiledStages;
  readonly vars: ReadonlyMap<string, BValue>;
  readonly correlated: boolean;
  bind(doc: BDoc): void;
}

function correlatedPipeline(
  pipeline: BValue[],
  letSpec: BValue | undefined,
  ctx: PipelineContext,
  sub: SubPipeline,
): CorrelatedPipeline {
  if (letSpec !== undefined && !(letSpec instanceof BDoc)) {
    throw new CommandError('FailedToParse', "$lookup argument 'let' must be an object");
  }
  const variables = (letSpec?.entries() ?? []).map(([name, value]) => ({
    name: variableName(name),
    value: compileExpression(value, ctx),
  }));
  const vars = new Map<string, BValue>(ctx.vars);
  for (const { name } of variables) vars.set(name, null);
  const stages = sub(pipeline, { ...ctx, find: (...args) => ctx.find(...args), vars });
  return {
    stages,
    vars,
    correlated: variables.length > 0,
    bind: (doc) => {
      // The variables of a $lookup around this one change with its documents.
      for (const [name, value] of ctx.vars) vars.set(name, value);
      // A missing value stays missing: expressions see `undefined` for it.
      for (const { name, value } of variables) vars.set(name, value(doc) as BValue);
    },
  };
}
