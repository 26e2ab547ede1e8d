import { Binary, Timestamp } from 'bson';
import { toSafeInteger } from '../bson/arithmetic.js';
import { describe } from '../bson/expect.js';
import { doc } from '../bson/plain.js';
import { double, isNumber } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { badValue, CODES, CommandError, failedToParse, unsupported, type CodeName } from '../errors.js';
import { log } from '../stats/log.js';
import { fromTimestamp } from '../storage/commit-clock.js';
import { run, type Command, type CommandContext, type Peer, type Services } from './command.js';
import type { Fault } from './fail-points.js';
import { errorReply, finishReply } from './replies.js';
import { fields, integer, parseCommand, parseFields } from './schema.js';
import { COMMANDS, MISSING_COMMANDS } from './table.js';

type Sequences = ReadonlyMap<string, BDoc[]>;

/** Runs one command and turns whatever happens into a reply, or into nothing but a broken connection. */
export async function dispatch(
  services: Services,
  peer: Peer,
  { body, sequences }: { body: BDoc; sequences: Sequences },
): Promise<BDoc | 'close'> {
  let context: CommandContext | undefined;
  try {
    const command = commandOf(body);
    context = contextOf(services, peer, body);
    const document = await runCommand(command, context, sequences);
    return document === 'close' ? document : finishReply(services, document);
  } catch (error) {
    const known = asCommandError(error);
    return finishReply(services, errorReply(known, retryLabels(known.code, context)));
  }
}

function commandOf(body: BDoc): Command {
  const name = body.keys()[0] ?? '';
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command) return command;
  if (MISSING_COMMANDS.has(name)) throw unsupported(`the command '${name}'`);
  throw new CommandError('CommandNotFound', `no such command: '${name}'`);
}

async function runCommand(
  command: Command,
  context: CommandContext,
  sequences: Sequences,
): Promise<BDoc | 'close'> {
  const { name, body } = context;
  // Before any fail point, whose errors would look like those of a transaction that runs.
  if (body.has('startTransaction') || body.get('autocommit') === false)
    throw unsupported('a multi-document transaction');
  const fault = context.info.options.testCommands ? faultFor(context) : null;
  if (fault && !fault.afterWrite) {
    if (fault.closeConnection) return 'close';
    if (fault.errorCode !== undefined) {
      const error = new CommandError(fault.errorCode, "Failing command via 'failCommand' failpoint");
      return errorReply(error, fault.errorLabels);
    }
  }
  checkState(command, context);
  if (body.has('readConcern')) checkReadConcern(context);
  const args = parseCommand(name, command.fields, body, sequences);
  if (body.has('writeConcern') && !command.writes && name !== 'aggregate')
    throw new CommandError('InvalidOptions', `${name} does not support writeConcern`);
  const lacking = writeConcernError(body);
  const document = await run(command, args, context);
  if (fault?.afterWrite && fault.closeConnection) return 'close';
  const concern = fault?.writeConcernError ?? lacking;
  if (concern) {
    const labels = fault?.errorLabels ?? retryLabels(integer(concern.get('code')), context);
    document.set('writeConcernError', concern);
    if (labels.length > 0) document.set('errorLabels', labels);
  }
  return document.has('ok') ? document : document.set('ok', double(1));
}

function contextOf(services: Services, peer: Peer, body: BDoc): CommandContext {
  const name = body.keys()[0] as string;
  const db = body.get('$db');
  if (typeof db !== 'string') throw new CommandError(40571, "OP_MSG requests require a '$db' argument");
  const lsid = sessionId(body.get('lsid'));
  const txnNumber = transactionNumber(body.get('txnNumber'));
  const maxTimeMS = body.get('maxTimeMS') ?? 0;
  if (!isNumber(maxTimeMS)) throw badValue(`maxTimeMS must be a number, got ${describe(maxTimeMS)}`);
  const time = toSafeInteger(maxTimeMS) ?? -1;
  if (time < 0 || time > MAX_TIME_MS)
    throw badValue(`${describe(maxTimeMS)} value for maxTimeMS is out of range [0, ${MAX_TIME_MS}]`);
  return {
    ...services,
    name,
    db,
    target: body.get(name) as BValue,
    body,
    peer,
    lsid,
    retryable: lsid !== null && txnNumber !== undefined ? { lsid, txnNumber } : null,
    deadline: time > 0 ? Date.now() + time : Infinity,
  };
}

const MAX_TIME_MS = 2_147_483_647;

function transactionNumber(value: BValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'bigint')
    throw new CommandError('TypeMismatch', "BSON field 'txnNumber' must be a long");
  if (value < 0n) throw new CommandError('InvalidOptions', 'Transaction number cannot be negative');
  // Drivers count from 1. Beyond a safe integer two numbers could be taken for one.
  if (value > Number.MAX_SAFE_INTEGER) throw unsupported(`the txnNumber ${value}`);
  return Number(value);
}

function sessionId(lsid: BValue | undefined): string | null {
  if (lsid === undefined) return null;
  const id = lsid instanceof BDoc ? lsid.get('id') : undefined;
  if (id instanceof Binary && id.sub_type === Binary.SUBTYPE_UUID && id.position === 16)
    return id.toString('hex');
  throw new CommandError('TypeMismatch', "BSON field 'lsid.id' must be a UUID");
}

const RETRYABLE_WRITES = ['insert', 'update', 'delete', 'findAndModify', 'findandmodify', 'bulkWrite'];
const ALLOWED_AT_SHUTDOWN = ['hello', 'ismaster', 'isMaster', 'endSessions'];

function checkState(command: Command, { body, db, name, info, lsid }: CommandContext): void {
  if (lsid === null && body.has('txnNumber'))
    throw new CommandError('InvalidOptions', 'Transaction number requires a session ID to also be specified');
  if (body.has('txnNumber') && !RETRYABLE_WRITES.includes(name))
    throw new CommandError(50768, `txnNumber is for retryable writes, and ${name} is none`);
  if (command.adminOnly && db !== 'admin')
    throw new CommandError('Unauthorized', `${name} may only be run against the admin database.`);
  const version = body.get('apiVersion') ?? '1';
  if (version !== '1')
    throw new CommandError('APIVersionError', `Provided apiVersion:${describe(version)} is not version 1`);
  if (info.shuttingDown && !ALLOWED_AT_SHUTDOWN.includes(name))
    throw new CommandError('ShutdownInProgress', 'the server is shutting down');
}

function faultFor({ name, target, db, failPoints, peer, retryable, engine }: CommandContext): Fault | null {
  if (name === 'configureFailPoint') return null;
  const ns = typeof target === 'string' ? `${db}.${target}` : db;
  const isNewWrite = (): boolean => retryable !== null && engine.retries.outcomes(retryable).size === 0;
  return failPoints.hit(name, ns, peer.appName, isNewWrite);
}

/** Codes after which a retryable write may be sent again. Source: MongoDB retryable writes specification. */
const RETRYABLE = new Set([6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);

function retryLabels(code: number | undefined, context: CommandContext | undefined): string[] {
  return context?.retryable && code !== undefined && RETRYABLE.has(code) ? ['RetryableWriteError'] : [];
}

function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log('error', 'a command failed unexpectedly', { error: stack });
  return new CommandError('InternalError', `internal error of the embedded server: ${String(error)}`);
}

const READ_CONCERN = fields({ any: 'level afterClusterTime', ignored: 'provenance' });
const LEVELS = ['local', 'available', 'majority', 'linearizable'];

/** All reads see committed data, so a level changes nothing, and whoever saw a time has it from here. */
function checkReadConcern({ body, engine }: CommandContext): void {
  const concern = body.get('readConcern') ?? BDoc.of();
  const { level = 'local', afterClusterTime } = parseFields('readConcern', READ_CONCERN, concern);
  if (level === 'snapshot') throw unsupported('readConcern level snapshot');
  if (!LEVELS.includes(level as string)) throw badValue(`unknown readConcern level ${describe(level)}`);
  if (afterClusterTime !== undefined && !(afterClusterTime instanceof Timestamp))
    throw new CommandError('TypeMismatch', "BSON field 'readConcern.afterClusterTime' must be a timestamp");
  if (afterClusterTime && fromTimestamp(afterClusterTime) > engine.clock.current)
    throw new CommandError('InvalidOptions', 'afterClusterTime must not be greater than the clusterTime');
}

const WRITE_CONCERN = fields({ any: 'w', ignored: 'j wtimeout fsync provenance' });
const MAX_MEMBERS = 50;

/**
 * What a write concern lacks here, as the `writeConcernError` of the reply; the write itself is done all the same.
 * `j` and `wtimeout` change nothing: every acknowledged write is on disk.
 */
function writeConcernError(body: BDoc): BDoc | null {
  const concern = body.get('writeConcern') ?? null;
  if (concern === null) return null;
  const { w = null } = parseFields('writeConcern', WRITE_CONCERN, concern);
  if (w === null || w === 'majority') return null;
  if (typeof w === 'string')
    return failure('UnknownReplWriteConcern', `No write concern mode named '${w}'`, concern);
  const members = integer(w) ?? -1;
  if (members < 0 || members > MAX_MEMBERS)
    throw failedToParse(`w must be a name or 0 to ${MAX_MEMBERS}, got ${describe(w)}`);
  return members <= 1 ? null : failure('UnsatisfiableWriteConcern', 'Not enough data-bearing nodes', concern);
}

function failure(codeName: CodeName, errmsg: string, writeConcern: BValue): BDoc {
  return doc({ code: CODES[codeName], codeName, errmsg, errInfo: { writeConcern } });
}
