import { keyString } from '../../bson/keystring.js';
import { doc } from '../../bson/plain.js';
import { BDoc, type BValue } from '../../bson/values.js';
import { readAll } from '../../cursor/turns.js';
import { CommandError } from '../../errors.js';
import { OPLOG_NAMESPACE } from '../../oplog/oplog.js';
import { countFound } from '../../query/count.js';
import { prepareFind } from '../../query/find.js';
import { command, evalContextOf, namespaceOf } from '../command.js';
import { fields, required } from '../schema.js';
import { readFrom } from './find.js';

export const count = command({
  fields: fields({
    doc: 'query',
    count: 'skip',
    int: 'limit',
    hint: 'hint',
    collation: 'collation',
    ignored: 'fields',
  }),
  async run({ query: filter = BDoc.of(), skip = 0, hint, ...args }, context) {
    const ns = namespaceOf(context);
    const limit = Math.abs(args.limit ?? 0);
    const { engine, deadline } = context;
    const query = { filter, hint, skip, limit };
    const evalContext = evalContextOf(context);
    let n = 0;
    if (ns === OPLOG_NAMESPACE)
      await readAll(readFrom(ns, query, context, evalContext), deadline, () => (n += 1));
    else {
      const collection = engine.catalog.get(ns);
      const counts = countFound(collection, query, prepareFind(collection, query, evalContext), engine.epoch);
      await readAll(counts, deadline, (some) => (n += some));
    }
    return doc({ n });
  },
});

const MAX_REPLY_BYTES = 16 * 1024 * 1024;

export const distinct = command({
  fields: fields({ string: 'key', doc: 'query', hint: 'hint', collation: 'collation' }),
  async run({ key, query: filter = BDoc.of(), hint }, context) {
    const path = required(key, 'distinct.key').split('.');
    const reading = readFrom(namespaceOf(context), { filter, hint }, context, evalContextOf(context));
    const values = new Map<string, BValue>();
    await readAll(reading, context.deadline, (found) => collect(found.doc, path, values));
    const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
    const reply = BDoc.of(['values', sorted]);
    if (reply.toBytes().length > MAX_REPLY_BYTES) throw new CommandError(17217, 'distinct too big, 16mb cap');
    return reply;
  },
});

/** Values at a path by their keys; arrays on the way and at its end are unrolled one level. */
function collect(value: BValue, [name, ...rest]: string[], values: Map<string, BValue>): void {
  if (name === undefined) {
    for (const one of Array.isArray(value) ? value : [value]) {
      const key = keyString([one]).toString('latin1');
      if (!values.has(key)) values.set(key, one);
    }
  } else if (Array.isArray(value)) {
    const element = /^\d+$/.test(name) ? value[Number(name)] : undefined;
    if (element !== undefined) collect(element, rest, values);
    for (const one of value) if (one instanceof BDoc) collect(one, [name, ...rest], values);
  } else if (value instanceof BDoc) {
    const child = value.get(name);
    if (child !== undefined) collect(child, rest, values);
  }
}
