import { toSafeInteger } from '../bson/arithmetic.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { fieldPath } from '../expr/compiler.js';
import type { PipelineContext } from '../expr/context.js';
import { compileFilter } from '../query/matcher.js';
import { compileSort } from '../query/sort.js';
import { groupStage } from './group.js';
import type { Stage, StageCompiler } from './stage.js';

/** Stages that filter, order, cut or count. */
export const SIMPLE_STAGES: Readonly<Record<string, StageCompiler>> = {
  $match: (spec, ctx) => {
    if (!(spec instanceof BDoc))
      throw new CommandError(15959, 'the match filter must be an expression in an object');
    const { matches } = compileFilter(spec, ctx);
    return function* (input) {
      for (const doc of input) if (matches(doc)) yield doc;
    };
  },
  $sort: (spec) => sortStage(spec, undefined),
  $limit: (spec) => {
    const limit = wholeNumber('$limit', spec);
    if (limit <= 0) throw new CommandError(15958, 'the limit must be positive');
    return function* (input) {
      let left = limit;
      for (const doc of input) {
        yield doc;
        if (--left === 0) return;
      }
    };
  },
  $skip: (spec) => {
    const skip = wholeNumber('$skip', spec);
    return function* (input) {
      let left = skip;
      for (const doc of input) {
        if (left > 0) left--;
        else yield doc;
      }
    };
  },
  $count: (spec) => {
    if (typeof spec !== 'string') throw new CommandError(40156, 'the count field must be a non-empty string');
    if (spec === '' || spec.startsWith('$') || spec.includes('.') || spec.includes('\0')) {
      throw new CommandError(40158, `the count field must be a plain field name, got '${spec}'`);
    }
    return function* (input) {
      let count = 0;
      for (const _ of input) count++;
      if (count > 0) yield BDoc.of([spec, count]);
    };
  },
  $sortByCount: (spec, ctx) => sortByCount(spec, ctx),
  $sample: (spec) => {
    const size = spec instanceof BDoc && spec.size === 1 ? toSafeInteger(spec.get('size')) : undefined;
    if (size === undefined || size <= 0) {
      throw new CommandError(28747, '$sample takes {size: <positive whole number>}');
    }
    return (input) => reservoir(input, size);
  },
};

function wholeNumber(stage: string, spec: BValue): number {
  const number = toSafeInteger(spec);
  if (number === undefined || number < 0) {
    throw new CommandError(
      stage === '$limit' ? 5107201 : 5107200,
      `invalid argument to ${stage} stage: Expected a non-negative number, got ${typeName(spec)}`,
    );
  }
  return number;
}

/** Sorts; with `limit` only so many first documents are kept on the way. */
export function sortStage(spec: BValue, limit: number | undefined): Stage {
  if (!(spec instanceof BDoc)) throw new CommandError(15973, 'the $sort key specification must be an object');
  if (spec.size === 0) throw new CommandError(15976, '$sort stage must have at least one sort key');
  const sort = compileSort(spec);
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
}

function sortByCount(spec: BValue, ctx: PipelineContext): Stage {
  const isExpression = spec instanceof BDoc ? spec.keys()[0]?.startsWith('$') : typeof spec === 'string';
  if (!isExpression) {
    throw new CommandError(
      40147,
      'the sortByCount field must be defined as a $-prefixed path or an expression inside an object',
    );
  }
  if (typeof spec === 'string') {
    if (!spec.startsWith('$')) {
      throw new CommandError(40148, `the sortByCount field must start with '$', got '${spec}'`);
    }
    fieldPath(spec.slice(spec.startsWith('$$') ? 2 : 1));
  }
  const group = groupStage(BDoc.of(['_id', spec], ['count', BDoc.of(['$sum', 1])]), ctx);
  const sort = compileSort(BDoc.of(['count', -1]));
  return (input) => sort.sort(group(input));
}

/** A random choice in which every document has the same chance (algorithm R). */
function reservoir(input: Iterable<BDoc>, size: number): BDoc[] {
  const chosen: BDoc[] = [];
  let seen = 0;
  for (const doc of input) {
    seen++;
    const at = Math.floor(Math.random() * seen);
    if (chosen.length < size) {
      chosen.push(chosen[at] ?? doc);
      chosen[at] = doc;
    } else if (at < size) {
      chosen[at] = doc;
    }
  }
  return chosen;
}
