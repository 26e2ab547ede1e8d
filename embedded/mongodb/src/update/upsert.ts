import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { FilterNode } from '../query/filter-node.js';

/** The fields that an upsert takes from its filter: equalities, also inside `$and`. @throws CommandError 54 */
export function equalityFields(filter: FilterNode): Map<string, BValue> {
  const found = new Map<string, BValue>();
  collect(filter, found);
  return found;
}

/** MongoDB first simplifies the filter: an `$or` of one clause is that clause, an `$in` of one value an equality. */
function collect(node: FilterNode, found: Map<string, BValue>): void {
  if (node.kind === 'and' || (node.kind === 'or' && node.children.length === 1)) {
    for (const child of node.children) collect(child, found);
  } else if (node.kind === 'cmp' && node.op === '$eq') {
    add(node.path, node.value, found);
  } else if (node.kind === 'in' && node.values.length === 1 && node.regexes.length === 0) {
    add(node.path, node.values[0]!, found);
  }
}

function add(path: string, value: BValue, found: Map<string, BValue>): void {
  for (const other of found.keys()) {
    if (other === path) throw ambiguous(`path '${path}' is matched twice`);
    if (other.startsWith(`${path}.`) || path.startsWith(`${other}.`)) {
      throw ambiguous(`both paths '${other}' and '${path}' are matched`);
    }
  }
  found.set(path, value);
}

function ambiguous(problem: string): CommandError {
  return new CommandError('NotSingleValueField', `cannot infer query fields to set, ${problem}`);
}

/** A document with each value at its dotted path. */
export function documentOf(fields: ReadonlyMap<string, BValue>): BDoc {
  const doc = BDoc.of();
  for (const [path, value] of fields) {
    const parts = path.split('.');
    let parent = doc;
    for (const name of parts.slice(0, -1)) {
      const child = parent.get(name);
      const next = child instanceof BDoc ? child : BDoc.of();
      parent.set(name, next);
      parent = next;
    }
    parent.set(parts.at(-1)!, value);
  }
  return doc;
}
