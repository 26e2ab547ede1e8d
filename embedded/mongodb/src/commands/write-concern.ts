import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { integer } from './schema.js';

const MAX_MEMBERS = 50;

/**
 * What a write concern lacks here, as the `writeConcernError` of the reply; the write itself is done all the same.
 * `j` and `wtimeout` change nothing: every acknowledged write is on disk.
 */
export function writeConcernError(body: BDoc): BDoc | null {
  const concern = body.get('writeConcern');
  if (!(concern instanceof BDoc)) return null;
  for (const field of concern.keys()) {
    if (FIELDS.has(field)) continue;
    throw new CommandError(40415, `BSON field 'writeConcern.${field}' is an unknown field.`);
  }
  const w = concern.get('w');
  if (w === undefined || w === null || w === 'majority') return null;
  if (typeof w === 'string') {
    return failure(
      79,
      'UnknownReplWriteConcern',
      `No write concern mode named '${w}' found in replica set configuration`,
      concern,
    );
  }
  const members = integer(w);
  if (members === undefined || members < 0 || members > MAX_MEMBERS) {
    throw new CommandError(
      'FailedToParse',
      `w has to be a non-negative number and not greater than ${MAX_MEMBERS}`,
    );
  }
  return members <= 1
    ? null
    : failure(100, 'UnsatisfiableWriteConcern', 'Not enough data-bearing nodes', concern);
}

const FIELDS = new Set(['w', 'j', 'wtimeout', 'fsync', 'provenance']);

function failure(code: number, codeName: string, errmsg: string, concern: BDoc): BDoc {
  return BDoc.of(
    ['code', code],
    ['codeName', codeName],
    ['errmsg', errmsg],
    ['errInfo', BDoc.of(['writeConcern', concern])],
  );
}
