import { BSONRegExp } from 'bson';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { isOperatorDocument } from '../query/leaf-predicate.js';

/**
 * The document that an upsert starts from: the equalities of its filter, also inside `$and`. As in MongoDB an `$or` of
 * one clause is that clause, and an `$in` or `$all` of one value an equality. @throws CommandError 54
 */
export function documentOf(filter: BDoc, only?: '_id'): BDoc {
  const found = new Map<string, BValue>();
  collect(filter, found);
  const doc = BDoc.of();
  for (const [path, value] of found)
    if (only === undefined || path === only) put(doc, path.split('.'), value);
  return doc;
}

function collect(filter: BDoc, found: Map<string, BValue>): void {
  for (const [name, value] of filter.entries()) {
    const clauses = name === '$and' || (name === '$or' && (value as BValue[]).length === 1);
    if (clauses) for (const clause of value as BDoc[]) collect(clause, found);
    else if (!name.startsWith('$')) collectField(name, value, found);
  }
}

function collectField(path: string, value: BValue, found: Map<string, BValue>): void {
  if (!isOperatorDocument(value)) {
    if (!(value instanceof BSONRegExp)) add(path, value, found);
    return;
  }
  for (const [operator, operand] of value.entries()) {
    if (operator === '$eq') add(path, operand, found);
    if (operator !== '$all' && operator !== '$in') continue;
    const list = operand as BValue[];
    const plain = list.every((one) => !(one instanceof BSONRegExp) && !isOperatorDocument(one));
    if (plain && (operator === '$all' || list.length === 1)) for (const one of list) add(path, one, found);
  }
}

function add(path: string, value: BValue, found: Map<string, BValue>): void {
  for (const other of found.keys()) {
    if (`${other}.`.startsWith(`${path}.`) || path.startsWith(`${other}.`)) {
      throw new CommandError(
        'NotSingleValueField',
        `cannot infer query fields to set, '${other}' and '${path}' are matched`,
      );
    }
  }
  found.set(path, value);
}

function put(doc: BDoc, [name, ...rest]: string[], value: BValue): void {
  if (rest.length === 0) {
    doc.set(name!, value);
    return;
  }
  const child = doc.get(name!);
  const next = child instanceof BDoc ? child : BDoc.of();
  doc.set(name!, next);
  put(next, rest, value);
}
