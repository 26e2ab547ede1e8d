import { BDoc, type BValue } from '../bson/values.js';

/** A copy with the value at the path; `undefined` removes it. */
export function withField(doc: BDoc, path: readonly string[], value: BValue | undefined): BDoc {
  const [name, ...rest] = path as [string, ...string[]];
  const copy = doc.clone();
  const child = copy.get(name);
  const next = rest.length === 0 ? value : withField(child instanceof BDoc ? child : BDoc.of(), rest, value);
  if (next === undefined) copy.delete(name);
  else copy.set(name, next);
  return copy;
}
