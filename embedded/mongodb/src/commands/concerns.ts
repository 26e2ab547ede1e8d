import { Timestamp } from 'bson';
import { describe } from '../bson/expect.js';
import { doc } from '../bson/plain.js';
import { BDoc } from '../bson/values.js';
import { CODES, CommandError, unsupported, type CodeName, failedToParse } from '../errors.js';
import { fromTimestamp } from '../storage/commit-clock.js';
import type { CommandContext } from './command.js';
import { fields, integer, parseFields } from './schema.js';

const READ_CONCERN = fields({ any: 'level afterClusterTime', ignored: 'provenance' });
const LEVELS = ['local', 'available', 'majority', 'linearizable'];

/** All reads see committed data, so a level changes nothing, and whoever saw a time has it from here. */
export function checkReadConcern({ body, engine }: CommandContext): void {
  const concern = body.get('readConcern');
  if (!(concern instanceof BDoc)) return;
  const { level = 'local', afterClusterTime } = parseFields('readConcern', READ_CONCERN, concern);
  if (level === 'snapshot') throw unsupported('readConcern level snapshot');
  if (!LEVELS.includes(level as string)) throw failedToParse(`unknown readConcern level ${describe(level)}`);
  const time = afterClusterTime instanceof Timestamp ? fromTimestamp(afterClusterTime) : 0;
  if (time > engine.clock.current)
    throw new CommandError('InvalidOptions', 'afterClusterTime must not be greater than the clusterTime');
}

const WRITE_CONCERN = fields({ any: 'w', ignored: 'j wtimeout fsync provenance' });
const MAX_MEMBERS = 50;

/**
 * What a write concern lacks here, as the `writeConcernError` of the reply; the write itself is done all the same.
 * `j` and `wtimeout` change nothing: every acknowledged write is on disk.
 */
export function writeConcernError(body: BDoc): BDoc | null {
  const concern = body.get('writeConcern');
  if (!(concern instanceof BDoc)) return null;
  const { w = null } = parseFields('writeConcern', WRITE_CONCERN, concern);
  if (w === null || w === 'majority') return null;
  if (typeof w === 'string')
    return failure('UnknownReplWriteConcern', `No write concern mode named '${w}'`, concern);
  const members = integer(w) ?? -1;
  if (members < 0 || members > MAX_MEMBERS)
    throw failedToParse(`w must be a name or 0 to ${MAX_MEMBERS}, got ${describe(w)}`);
  return members <= 1 ? null : failure('UnsatisfiableWriteConcern', 'Not enough data-bearing nodes', concern);
}

function failure(codeName: CodeName, errmsg: string, writeConcern: BDoc): BDoc {
  return doc({ code: CODES[codeName], codeName, errmsg, errInfo: { writeConcern } });
}
