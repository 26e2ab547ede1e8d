import { shellText } from '../bson/describe.js';
import { keyString } from '../bson/keystring.js';
import { BDoc } from '../bson/values.js';
import type { Index } from '../catalog/index.js';
import { CommandError } from '../errors.js';
import { keyTuples } from '../query/index-keys.js';

/** Error 11000 with the text that drivers and applications parse. In an array field it names the element that collided. */
export function duplicateKey(ns: string, index: Index, doc: BDoc, key: Buffer): CommandError {
  const { spec, paths, directions } = index;
  const split = paths.map((path) => path.split('.'));
  const tuple = keyTuples(doc, split).tuples.find((one) => keyString(one, directions).equals(key)) ?? [];
  const keyValue = BDoc.from([...paths], tuple);
  return new CommandError(
    'DuplicateKey',
    `E11000 duplicate key error collection: ${ns} index: ${spec.name} dup key: ${shellText(keyValue)}`,
    { keyPattern: spec.key, keyValue },
  );
}
