import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { keyString } from '../bson/keystring.js';
import { OPLOG_NAMESPACE } from '../oplog/oplog.js';
import { oplogReading } from '../oplog/oplog-reading.js';
import type { Reading } from '../query/find.js';
import { prepareFind } from '../query/find.js';
import { CommandError } from '../errors.js';
import { checkCollation, defineCommand, evalContextOf, namespaceOf } from './context.js';
import { hintOf } from './hint.js';
import { required } from './schema.js';
import { drained } from './draining.js';

export const count = defineCommand({
  name: 'count',
  help: 'counts documents',
  schema: {
    query: 'doc',
    skip: 'int',
    limit: 'int',
    hint: 'any',
    collation: 'doc',
    fields: 'ignored',
  } as const,
  async run(args, context) {
    checkCollation(args.collation);
    const ns = namespaceOf(context);
    const { engine } = context;
    const collection = engine.catalog.get(ns);
    const { skip = 0, query = BDoc.of() } = args;
    const limit = Math.abs(args.limit ?? 0);
    if (skip < 0)
      throw new CommandError(51024, `BSON field 'skip' value must be >= 0, actual value '${skip}'`);
    const evalContext = evalContextOf(context);
    if (ns === OPLOG_NAMESPACE) {
      return counted(oplogReading(engine, query, { skip, limit }, null, evalContext), context.deadline);
    }
    if (query.size === 0) return BDoc.of(['n', windowed(collection?.count ?? 0, skip, limit)]);
    const find = { filter: query, hint: hintOf(args.hint), skip, limit };
    return counted(prepareFind(collection, find, evalContext).run(engine.epoch), context.deadline);
  },
});

async function counted(reading: Reading<unknown>, deadline: number): Promise<BDoc> {
  let n = 0;
  for await (const batch of drained(reading, deadline)) n += batch.length;
  return BDoc.of(['n', n]);
}

function windowed(all: number, skip: number, limit: number): number {
  const rest = Math.max(0, all - skip);
  return limit > 0 ? Math.min(rest, limit) : rest;
}

export const distinct = defineCommand({
  name: 'distinct',
  help: 'returns the different values of a field',
  schema: { key: 'string', query: 'doc', collation: 'doc', hint: 'any' } as const,
  async run(args, context) {
    checkCollation(args.collation);
    const path = required(args.key, 'distinct.key').split('.');
    const collection = context.engine.catalog.get(namespaceOf(context));
    const find = { filter: args.query ?? BDoc.of(), hint: hintOf(args.hint) };
    const prepared = prepareFind(collection, find, evalContextOf(context));
    const values = new Map<string, BValue>();
    for await (const batch of drained(prepared.run(context.engine.epoch), context.deadline)) {
      for (const { doc } of batch) collect(doc, path, 0, values);
    }
    return reply(values);
  },
});

const MAX_REPLY_BYTES = 16 * 1024 * 1024;

function reply(values: Map<string, BValue>): BDoc {
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
  const document = BDoc.of(['values', sorted]);
  if (document.toBytes().length > MAX_REPLY_BYTES)
    throw new CommandError(17217, 'distinct too big, 16mb cap');
  return document;
}

/** Values at a path; arrays on the way and at its end are unrolled one level. */
function collect(value: BValue, path: string[], at: number, values: Map<string, BValue>): void {
  if (at === path.length) {
    for (const one of Array.isArray(value) ? value : [value]) {
      const key = keyString([one]).toString('latin1');
      if (!values.has(key)) values.set(key, one);
    }
    return;
  }
  const name = path[at] as string;
  if (Array.isArray(value)) {
    if (/^\d+$/.test(name)) {
      const element = value[Number(name)];
      if (element !== undefined) collect(element, path, at + 1, values);
    }
    for (const element of value) if (element instanceof BDoc) collect(element, path, at, values);
    return;
  }
  const child = value instanceof BDoc ? value.get(name) : undefined;
  if (child !== undefined) collect(child, path, at + 1, values);
}
