import { BSONRegExp, type BSONSymbol } from 'bson';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { compilePredicate } from '../expr/expression.js';
import type { EvalContext } from '../expr/context.js';
import { asBits, asMod, asNumber, asSize, asTypes } from './filter-arguments.js';
import type { BitsOp, CompareOp, FilterNode } from './filter-node.js';
import { compileRegex } from './regex.js';

const NOT_HERE = new Set([
  '$where',
  '$text',
  '$jsonSchema',
  '$geoWithin',
  '$geoIntersects',
  '$near',
  '$nearSphere',
  '$within',
  '$geoNear',
  '$maxDistance',
  '$minDistance',
  '$uniqueDocs',
]);

const bad = (message: string): CommandError => new CommandError('BadValue', message);

/** Parses a filter. @throws CommandError BadValue (2) and others, CommandNotSupported (115) for known gaps. */
export function parseFilter(filter: BDoc, ctx: EvalContext): FilterNode {
  return new FilterParser(ctx).document(filter);
}

/** Parses a document of operators (`{$gt: 1, $lt: 5}`) that is applied to one value; its nodes have the path ''. */
export function parseValueFilter(operators: BDoc, ctx: EvalContext): FilterNode {
  return new FilterParser(ctx).operators('', operators);
}

/** Whether a value is a document whose first field is an operator. */
export function isOperatorDocument(value: BValue | undefined): value is BDoc {
  if (!(value instanceof BDoc)) return false;
  const first = value.keys()[0];
  return first !== undefined && first.startsWith('$') && !isReference(value);
}

/** `{$ref, $id, $db}` is a plain value although its names begin with a dollar sign. */
function isReference(value: BDoc): boolean {
  const [first] = value.keys();
  return first === '$ref' || first === '$id' || first === '$db';
}

class FilterParser {
  constructor(
    private readonly ctx: EvalContext,
    /** Inside `$elemMatch` there is no whole document that an expression could read. */
    private readonly inElement = false,
  ) {}

  document(filter: BDoc): FilterNode {
    const nodes: FilterNode[] = [];
    for (const [key, value] of filter.entries()) {
      const node = key.startsWith('$') ? this.topLevel(key, value) : this.field(key, value);
      if (node) nodes.push(node);
    }
    return and(nodes);
  }

  private topLevel(operator: string, value: BValue): FilterNode | null {
    switch (operator) {
      case '$and':
        return and(this.clauses(operator, value));
      case '$or':
        return { kind: 'or', children: this.clauses(operator, value) };
      case '$nor':
        return { kind: 'nor', children: this.clauses(operator, value) };
      case '$expr':
        if (this.inElement) throw bad('$expr can only be applied to the top-level document');
        return { kind: 'expr', expression: value, holds: compilePredicate(value, this.ctx) };
      case '$comment':
        return null;
      case '$alwaysTrue':
      case '$alwaysFalse':
        if (asNumber(value) !== 1)
          throw new CommandError('FailedToParse', `${operator} must be an integer value of 1`);
        return { kind: 'always', value: operator === '$alwaysTrue' };
      case '$sampleRate':
        return this.sample(value);
      default:
        if (NOT_HERE.has(operator)) throw unsupported(operator);
        throw bad(
          `unknown top level operator: ${operator}. If you have a field name that starts with a '$' symbol, ` +
            'consider using $getField or $setField.',
        );
    }
  }

  private clauses(operator: string, value: BValue): FilterNode[] {
    if (!Array.isArray(value)) throw bad(`${operator} must be an array`);
    if (value.length === 0) throw bad(`$and/$or/$nor must be a nonempty array`);
    return value.map((clause) => {
      if (clause instanceof BDoc) return this.document(clause);
      throw bad(`$or/$and/$nor entries need to be full objects`);
    });
  }

  private sample(value: BValue): FilterNode {
    const rate = asNumber(value);
    if (rate >= 0 && rate <= 1) return { kind: 'sample', rate };
    throw bad('numeric argument to $sampleRate must be in [0, 1]');
  }

  private field(path: string, value: BValue): FilterNode {
    if (isOperatorDocument(value)) return this.operators(path, value);
    if (value instanceof BSONRegExp) return regexNode(path, value.pattern, value.options);
    return compare(path, '$eq', value);
  }

  operators(path: string, operators: BDoc): FilterNode {
    const nodes: FilterNode[] = [];
    for (const [operator, value] of operators.entries()) {
      if (operator === '$options') {
        if (!operators.has('$regex')) throw bad('$options needs a $regex');
        continue;
      }
      const node =
        operator === '$regex'
          ? regexOperator(path, value, operators.get('$options'))
          : this.operator(path, operator, value);
      if (node) nodes.push(node);
    }
    return and(nodes);
  }

  private operator(path: string, operator: string, value: BValue): FilterNode | null {
    switch (operator) {
      case '$eq':
      case '$gt':
      case '$gte':
      case '$lt':
      case '$lte':
        return compare(path, operator, value);
      case '$ne':
        if (value instanceof BSONRegExp) throw bad("Can't have regex as arg to $ne.");
        return not(compare(path, '$eq', value));
      case '$in':
        return inNode(path, operator, value);
      case '$nin':
        return not(inNode(path, operator, value));
      case '$not':
        return not(this.negated(path, value));
      case '$exists': {
        const node: FilterNode = { kind: 'exists', path };
        return truthy(value) ? node : not(node);
      }
      case '$type':
        return { kind: 'type', path, codes: asTypes(path, value) };
      case '$mod':
        return { kind: 'mod', path, ...asMod(value) };
      case '$size':
        return { kind: 'size', path, size: asSize(value) };
      case '$all':
        return this.all(path, value);
      case '$elemMatch':
        return this.elemMatch(path, value);
      case '$bitsAllSet':
      case '$bitsAllClear':
      case '$bitsAnySet':
      case '$bitsAnyClear':
        return { kind: 'bits', path, op: operator satisfies BitsOp, positions: asBits(operator, value) };
      case '$comment':
        return null;
      default:
        if (NOT_HERE.has(operator)) throw unsupported(operator);
        throw bad(`unknown operator: ${operator}`);
    }
  }

  private negated(path: string, value: BValue): FilterNode {
    if (value instanceof BSONRegExp) return regexNode(path, value.pattern, value.options);
    if (!(value instanceof BDoc)) throw bad('$not needs a regex or a document');
    if (value.size === 0) throw bad('$not cannot be empty');
    return this.operators(path, value);
  }

  private all(path: string, value: BValue): FilterNode {
    if (!Array.isArray(value)) throw bad('$all needs an array');
    if (value.length === 0) return { kind: 'always', value: false };
    const elemMatches = value.filter((one) => one instanceof BDoc && one.keys()[0] === '$elemMatch');
    if (elemMatches.length > 0) {
      if (elemMatches.length < value.length) throw bad('$all/$elemMatch has to be consistent');
      return and(elemMatches.map((one) => this.operators(path, one as BDoc)));
    }
    return and(
      value.map((one) => {
        if (isOperatorDocument(one)) throw bad('no $ expressions in $all');
        return one instanceof BSONRegExp
          ? regexNode(path, one.pattern, one.options)
          : compare(path, '$eq', one);
      }),
    );
  }

  private elemMatch(path: string, value: BValue): FilterNode {
    if (!(value instanceof BDoc)) throw bad('$elemMatch needs an Object');
    const first = value.keys()[0];
    const logical = first === '$and' || first === '$or' || first === '$nor' || first === '$where';
    if (isOperatorDocument(value) && !logical) {
      return { kind: 'elemMatchValue', path, child: this.operators('', value) };
    }
    return { kind: 'elemMatchObject', path, child: new FilterParser(this.ctx, true).document(value) };
  }
}

function and(children: FilterNode[]): FilterNode {
  return children.length === 1 ? children[0]! : { kind: 'and', children };
}

const not = (child: FilterNode): FilterNode => ({ kind: 'not', child });

const truthy = (value: BValue): boolean =>
  value !== null && value !== false && typeName(value) !== 'undefined' && asNumber(value) !== 0;

function compare(path: string, op: CompareOp, value: BValue): FilterNode {
  if (typeName(value) === 'undefined') throw bad('cannot compare to undefined');
  if (op !== '$eq' && value instanceof BSONRegExp) {
    throw bad(`Can't have RegEx as arg to predicate over field '${path}'.`);
  }
  return { kind: 'cmp', path, op, value };
}

function inNode(path: string, operator: string, value: BValue): FilterNode {
  if (!Array.isArray(value)) throw bad(`${operator} needs an array`);
  const regexes: BSONRegExp[] = [];
  const values: BValue[] = [];
  for (const one of value) {
    if (isOperatorDocument(one)) throw bad(`cannot nest $ under ${operator}`);
    if (typeName(one) === 'undefined') throw bad('InMatchExpression equality cannot be undefined');
    if (one instanceof BSONRegExp) {
      compileRegex(one.pattern, one.options);
      regexes.push(one);
    } else {
      values.push(one);
    }
  }
  return { kind: 'in', path, values, regexes };
}

function regexOperator(path: string, value: BValue, options: BValue | undefined): FilterNode {
  if (options !== undefined && typeof options !== 'string') throw bad('$options has to be a string');
  if (value instanceof BSONRegExp) {
    if (options !== undefined && value.options) {
      throw new CommandError(51075, 'options set in both $regex and $options');
    }
    return regexNode(path, value.pattern, options ?? value.options);
  }
  const text =
    typeof value === 'string' ? value : typeName(value) === 'symbol' ? (value as BSONSymbol).value : null;
  if (text === null) throw bad('$regex has to be a string');
  return regexNode(path, text, options ?? '');
}

function regexNode(path: string, pattern: string, options: string): FilterNode {
  compileRegex(pattern, options);
  return { kind: 'regex', path, pattern, options };
}
