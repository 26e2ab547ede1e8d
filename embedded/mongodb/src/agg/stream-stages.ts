import { expectArray, expectDocument, expectInteger, expectNames, expectText } from '../bson/expect.js';
import { isNullish, isNumber } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { fieldPath, plainName } from '../expr/compiler.js';
import { compileFilter } from '../query/matcher.js';
import { compileSort, fieldAt } from '../query/sort.js';
import { withField, type Stage, type StageCompiler } from './document-stages.js';
import { bucketStage, groupStage } from './group.js';
import { lookupStage } from './lookup.js';

/** Stages that filter, order, cut, count, multiply or join documents. */
export const STREAM_STAGES: Readonly<Record<string, StageCompiler>> = {
  $match: (spec, ctx) => {
    const { matches } = compileFilter(expectDocument(spec, 15959, 'the match filter'), ctx);
    return function* (input) {
      for (const doc of input) if (matches(doc)) yield doc;
    };
  },
  // With a limit only so many first documents are kept on the way.
  $sort: (spec, _ctx, _sub, limit) => {
    const order = expectDocument(spec, 15973, 'the $sort key specification');
    if (order.size === 0) throw new CommandError(15976, '$sort stage must have at least one sort key');
    const sort = compileSort(order);
    if (limit === undefined) return (input) => sort.sort(input);
    return (input) => {
      let kept: BDoc[] = [];
      for (const doc of input) {
        kept.push(doc);
        // Sorted and cut now and then, which costs no more than a heap and keeps equals in order.
        if (kept.length >= 2 * limit + 1000) kept = sort.sort(kept).slice(0, limit);
      }
      return sort.sort(kept);
    };
  },
  $limit: (spec) => {
    const limit = expectInteger(spec, 5107201, 'the limit', 0);
    if (limit === 0) throw new CommandError(15958, 'the limit must be positive');
    return function* (input) {
      let left = limit;
      for (const doc of input) {
        yield doc;
        if (--left === 0) return;
      }
    };
  },
  $skip: (spec) => {
    const skip = expectInteger(spec, 5107200, 'the argument to $skip', 0);
    return function* (input) {
      let left = skip;
      for (const doc of input) if (left-- <= 0) yield doc;
    };
  },
  $count: (spec) => {
    const name = expectText(spec, 40156, 'the count field');
    const wrong = [/^$/, /^\$/, /\0/, /\./].findIndex((pattern) => pattern.test(name));
    if (wrong >= 0) throw new CommandError(40157 + wrong, 'the count field must be a plain field name');
    if (name === '_id') throw new CommandError(9039800, "the count field cannot be '_id'");
    return function* (input) {
      let count = 0;
      for (const _ of input) count++;
      if (count > 0) yield BDoc.of([name, count]);
    };
  },
  $sortByCount: (spec, ctx) => {
    const start = spec instanceof BDoc ? spec.keys()[0] : spec;
    if (typeof start !== 'string' || !start.startsWith('$')) {
      const code = spec instanceof BDoc ? 40147 : typeof spec === 'string' ? 40148 : 40149;
      throw new CommandError(code, 'the sortByCount field must be a $-prefixed path or an expression');
    }
    const group = groupStage(BDoc.of(['_id', spec], ['count', BDoc.of(['$sum', 1])]), ctx);
    const sort = compileSort(BDoc.of(['count', -1]));
    return (input) => sort.sort(group(input));
  },
  $sample: (spec) => {
    const options = expectDocument(spec, 28745, 'the $sample specification');
    expectNames(options, ['size'], 28748, '$sample');
    const given = options.get('size');
    if (!isNumber(given))
      throw new CommandError(given === undefined ? 28749 : 28746, 'size of $sample must be a number');
    const size = expectInteger(given, 28747, 'size of $sample', 1);
    return (input) => sample([...input], size);
  },
  $group: groupStage,
  $bucket: bucketStage,
  $unwind: unwindStage,
  $lookup: lookupStage,
  $facet: (spec, ctx, sub) => {
    const facets = expectDocument(spec, 40169, 'the $facet specification').entries();
    if (facets.length === 0) throw new CommandError(40169, 'the $facet specification must not be empty');
    const pipelines = facets.map(([name, value]) => {
      plainName(name);
      const stages = expectArray(value, 40170, `the pipeline ${name} of $facet`);
      return { name, pipeline: sub(stages, ctx, '$facet') };
    });
    return function* (input) {
      const docs = [...input];
      yield BDoc.fromEntries(pipelines.map(({ name, pipeline }) => [name, [...pipeline.run(docs)]]));
    };
  },
  $unionWith: (spec, ctx, sub) => {
    const given = typeof spec === 'string' ? BDoc.of(['coll', spec]) : spec;
    const options = expectDocument(given, 'FailedToParse', '$unionWith');
    expectNames(options, ['coll', 'pipeline'], 40415, '$unionWith');
    const from = options.get('coll');
    if (typeof from !== 'string') throw unsupported('$unionWith without a collection in "coll"');
    const stages = expectArray(options.get('pipeline') ?? [], 'TypeMismatch', 'pipeline of $unionWith');
    const pipeline = sub(stages, ctx, '$unionWith');
    return function* (input) {
      yield* input;
      yield* pipeline.runOn(from);
    };
  },
};

/** A random choice in which every document has the same chance (the beginning of a Fisher-Yates shuffle). */
function sample(docs: BDoc[], size: number): BDoc[] {
  for (let i = 0; i < size && i < docs.length; i++) {
    const other = i + Math.floor(Math.random() * (docs.length - i));
    [docs[i], docs[other]] = [docs[other]!, docs[i]!];
  }
  return docs.slice(0, size);
}

/** `$unwind`: one document per element of an array. */
function unwindStage(spec: BValue): Stage {
  const options = typeof spec === 'string' ? BDoc.of(['path', spec]) : expectDocument(spec, 15981, '$unwind');
  expectNames(options, ['path', 'includeArrayIndex', 'preserveNullAndEmptyArrays'], 28811, '$unwind');
  if (!options.has('path')) throw new CommandError(28812, 'no path specified to $unwind');
  const text = expectText(options.get('path'), 28808, 'path of $unwind');
  if (!text.startsWith('$')) throw new CommandError(28818, `path of $unwind must begin with '$': ${text}`);
  const path = fieldPath(text.slice(1));
  const index = options.get('includeArrayIndex');
  const indexPath =
    index !== undefined && indexField(expectText(index, 28810, 'includeArrayIndex of $unwind'));
  const preserve = options.get('preserveNullAndEmptyArrays') ?? false;
  if (typeof preserve !== 'boolean')
    throw new CommandError(28809, 'preserveNullAndEmptyArrays must be a boolean');
  const indexed = (doc: BDoc, at: bigint | null): BDoc => (indexPath ? withField(doc, indexPath, at) : doc);
  return function* (input) {
    for (const doc of input) {
      const value = fieldAt(doc, path);
      if (!Array.isArray(value)) {
        if (preserve || !isNullish(value)) yield indexed(doc, null);
      } else if (value.length === 0) {
        if (preserve) yield indexed(withField(doc, path, undefined), null);
      } else {
        for (const [at, element] of value.entries()) yield indexed(withField(doc, path, element), BigInt(at));
      }
    }
  };
}

function indexField(name: string): string[] {
  if (name !== '' && !name.startsWith('$')) return fieldPath(name);
  throw new CommandError(name ? 28822 : 28810, `includeArrayIndex of $unwind must be a path, got '${name}'`);
}
