import { BSONRegExp } from 'bson';
import { expectArray, expectDocument, expectNames, expectText } from '../bson/expect.js';
import { hashKey, type HashKey } from '../bson/hash-key.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { distinct } from '../expr/arrays.js';
import { fieldPath, valueAt } from '../expr/compiler.js';
import type { PipelineContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { variableName } from '../expr/logic.js';
import { atPath } from '../query/path-test.js';
import { correlatedFilter } from './correlated-filter.js';
import type { CompiledStages, StageCompiler, SubPipeline } from './stage.js';
import { withField } from './with-field.js';

/** Documents joined with one query. */
const BATCH = 1000;

/**
 * `$lookup`: an equality of two fields (one query for a batch of documents), a pipeline over the other collection with
 * the variables of `let`, or both: then the pipeline runs over what the equality found.
 */
export const lookupStage: StageCompiler = (spec, ctx, sub) => {
  const options = expectDocument(spec, 'FailedToParse', 'the $lookup specification');
  expectNames(
    options,
    ['from', 'localField', 'foreignField', 'as', 'let', 'pipeline'],
    'FailedToParse',
    '$lookup',
  );
  const text = (key: string): string => expectText(options.get(key), 'FailedToParse', `${key} of $lookup`);
  if (typeof options.get('from') !== 'string')
    throw unsupported('$lookup without the name of a collection in "from"');
  const from = text('from');
  const as = fieldPath(text('as'));
  const byFields = options.has('localField') || options.has('foreignField') || !options.has('pipeline');
  const join = byFields ? new FieldJoin(from, text('localField'), text('foreignField'), ctx) : undefined;
  const correlated = options.has('pipeline') ? new CorrelatedPipeline(options, ctx, sub) : undefined;
  if (!correlated && options.has('let'))
    throw new CommandError('FailedToParse', "$lookup: 'let' needs a 'pipeline'");
  return function* (input) {
    correlated?.startRun();
    if (!join) {
      for (const doc of input) yield withField(doc, as, correlated!.over(doc, null, from));
      return;
    }
    for (const batch of batches(input)) {
      const found = join.find(batch);
      for (const [at, doc] of batch.entries()) {
        yield withField(doc, as, correlated ? correlated.over(doc, found[at]!, from) : found[at]!);
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

class FieldJoin {
  private readonly localPath: string[];

  constructor(
    private readonly from: string,
    local: string,
    private readonly foreign: string,
    private readonly ctx: PipelineContext,
  ) {
    this.localPath = fieldPath(local);
    fieldPath(foreign);
  }

  /** For each document those of the other collection, in their order. */
  find(batch: readonly BDoc[]): BDoc[][] {
    const wanted = batch.map((doc) => this.localValues(doc));
    const docs = [...this.ctx.find(this.from, this.filter(wanted.flat()))];
    const positions = this.positionsByValue(docs);
    return wanted.map((values) => {
      const found = new Set(values.flatMap((value) => positions.get(hashKey(value)) ?? []));
      return [...found].sort((a, b) => a - b).map((at) => docs[at]!);
    });
  }

  /** What a document is joined by: a missing field as null, an array by each of its elements. */
  private localValues(doc: BDoc): BValue[] {
    const value = valueAt(doc, this.localPath, 0);
    return Array.isArray(value) ? value : [value ?? null];
  }

  private filter(values: readonly BValue[]): BDoc {
    const unique = distinct(values);
    const regexes = unique.filter((value) => value instanceof BSONRegExp);
    const list = unique.filter((value) => !(value instanceof BSONRegExp));
    const inList = BDoc.of([this.foreign, BDoc.of(['$in', list])]);
    if (regexes.length === 0) return inList;
    // In a list a regular expression would be matched as a pattern; a join wants the same expression.
    const same = regexes.map((regex) => BDoc.of([this.foreign, BDoc.of(['$eq', regex])]));
    return BDoc.of(['$or', [inList, ...same]]);
  }

  private positionsByValue(docs: readonly BDoc[]): Map<HashKey, number[]> {
    const positions = new Map<HashKey, number[]>();
    let keys = new Set<HashKey>();
    const collect = atPath(this.foreign).each((value) => {
      keys.add(hashKey(value ?? null));
      return false;
    });
    for (const [at, doc] of docs.entries()) {
      keys = new Set();
      collect(doc);
      for (const key of keys) {
        const list = positions.get(key);
        if (list) list.push(at);
        else positions.set(key, [at]);
      }
    }
    return positions;
  }
}

class CorrelatedPipeline {
  private readonly variables: { name: string; value: (doc: BDoc) => BValue | undefined }[];
  private readonly vars: Map<string, BValue>;
  private readonly stages: CompiledStages;
  /** What a pipeline without variables of its own answers for every document of one run. */
  private same: BDoc[] | undefined;

  constructor(
    options: BDoc,
    private readonly ctx: PipelineContext,
    sub: SubPipeline,
  ) {
    const bound = expectDocument(options.get('let') ?? BDoc.of(), 'FailedToParse', 'let of $lookup');
    this.variables = bound
      .entries()
      .map(([name, value]) => ({ name: variableName(name), value: compileExpression(value, ctx) }));
    this.vars = new Map(ctx.vars);
    for (const { name } of this.variables) this.vars.set(name, null);
    const stages = expectArray(options.get('pipeline'), 'TypeMismatch', 'pipeline of $lookup');
    this.stages = sub(stages, { ...ctx, find: (...args) => ctx.find(...args), vars: this.vars });
  }

  startRun(): void {
    this.same = undefined;
  }

  /** The result for one document, over `joined` or else over the other collection. */
  over(doc: BDoc, joined: BDoc[] | null, from: string): BDoc[] {
    // The variables of a $lookup around this one change with its documents.
    for (const [name, value] of this.ctx.vars) this.vars.set(name, value);
    // A missing value stays missing: expressions see `undefined` for it.
    for (const { name, value } of this.variables) this.vars.set(name, value(doc) as BValue);
    if (joined) return [...this.stages.run(joined)];
    if (this.same) return this.same;
    const result = [
      ...this.stages.run(this.ctx.find(from, correlatedFilter(this.stages.leadingMatch, this.vars))),
    ];
    if (this.variables.length === 0) this.same = result;
    return result;
  }
}
