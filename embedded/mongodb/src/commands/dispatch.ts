import { describe } from '../bson/describe.js';
import { Binary, Timestamp } from 'bson';
import { BDoc, double } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { fromTimestamp } from '../storage/commit-clock.js';
import { log } from '../stats/log.js';
import type { Command, CommandContext, Peer, Services } from './context.js';
import type { Fault } from './fail-points.js';
import { MISSING_COMMANDS, findCommand } from './registry.js';
import { errorReply, finishReply } from './replies.js';
import { integer, parseFields } from './schema.js';
import { withTopologyVersion } from './topology-version.js';
import { writeConcernError } from './write-concern.js';

/** A command as it came over the wire. */
export interface CommandRequest {
  body: BDoc;
  sequences: Map<string, BDoc[]>;
  exhaustAllowed: boolean;
}

/** What goes back: the reply, or nothing but a broken connection. */
export type CommandReply = BDoc | 'close';

/** Runs one command and turns whatever happens into a reply. */
export async function dispatch(
  services: Services,
  peer: Peer,
  request: CommandRequest,
): Promise<CommandReply> {
  let command: Command | undefined;
  let context: CommandContext | undefined;
  try {
    const [name, target] = request.body.entries()[0] ?? ['', null];
    command = findCommand(name);
    if (!command) throw unknownCommand(name);
    context = contextOf(services, peer, request, command, target);
    return await runCommand(command, context, request);
  } catch (error) {
    return failure(services, errorReply(asCommandError(error), labelsContext(command, context)));
  }
}

async function runCommand(
  command: Command,
  context: CommandContext,
  request: CommandRequest,
): Promise<CommandReply> {
  refuseTransaction(request.body);
  const fault = faultFor(command, context);
  if (fault && !fault.afterWrite) {
    if (fault.blockMs > 0) await new Promise((resolve) => setTimeout(resolve, fault.blockMs));
    if (fault.closeConnection) return 'close';
    if (fault.errorCode !== undefined)
      return failure(context, errorReply(injected(fault), null, fault.errorLabels));
  }
  checkState(command, context);
  if (request.body.has('readConcern')) await honourReadConcern(context);
  const args = parseFields(context.name, command.schema, request.body, request);
  const concernError = command.writes ? writeConcernError(request.body) : null;
  const reply = await command.run(args, context);
  if (fault?.afterWrite && fault.closeConnection) return 'close';
  const concern = fault?.writeConcernError ?? concernError;
  if (concern) withTopologyVersion(context.info, reply.set('writeConcernError', concern));
  const labels = fault?.errorLabels ?? (fault?.writeConcernError ? retryLabels(concern, context) : undefined);
  if (labels && labels.length > 0) reply.set('errorLabels', labels);
  if (!reply.has('ok')) reply.set('ok', double(1));
  return finishReply(context, reply);
}

function failure(services: Services, reply: BDoc): BDoc {
  return finishReply(services, withTopologyVersion(services.info, reply));
}

function contextOf(
  services: Services,
  peer: Peer,
  { body, exhaustAllowed }: CommandRequest,
  command: Command,
  target: BValue,
): CommandContext {
  const db = body.get('$db');
  if (typeof db !== 'string') throw new CommandError(40571, "OP_MSG requests require a '$db' argument");
  const lsid = sessionId(body.get('lsid'));
  const txnNumber = integer(body.get('txnNumber') ?? null);
  const maxTimeMS = integer(body.get('maxTimeMS') ?? null) ?? 0;
  if (maxTimeMS < 0) throw new CommandError('BadValue', `maxTimeMS must be 0 or more, got ${maxTimeMS}`);
  return {
    ...services,
    name: body.keys()[0] as string,
    db,
    target,
    body,
    peer,
    lsid,
    retryable: command.writes && lsid !== null && txnNumber !== undefined ? { lsid, txnNumber } : null,
    deadline: maxTimeMS > 0 ? Date.now() + maxTimeMS : Infinity,
    exhaustAllowed,
  };
}

function sessionId(lsid: BValue | undefined): string | null {
  if (lsid === undefined) return null;
  const id = lsid instanceof BDoc ? lsid.get('id') : undefined;
  if (id instanceof Binary && id.sub_type === Binary.SUBTYPE_UUID && id.position === 16)
    return id.toString('hex');
  throw new CommandError('TypeMismatch', "BSON field 'lsid.id' must be a UUID");
}

/** Comes before any fail point, whose errors would look like those of a transaction that runs. */
function refuseTransaction(body: BDoc): void {
  if (body.has('startTransaction') || body.get('autocommit') === false)
    throw unsupported('a multi-document transaction');
}

function checkState(command: Command, { body, db, name, info, lsid }: CommandContext): void {
  if (body.has('txnNumber') && lsid === null) {
    throw new CommandError('InvalidOptions', 'Transaction number requires a session ID to also be specified');
  }
  if (command.adminOnly && db !== 'admin') {
    throw new CommandError('Unauthorized', `${name} may only be run against the admin database.`);
  }
  const version = body.get('apiVersion');
  if (version !== undefined && version !== '1') {
    throw new CommandError(
      'APIVersionError',
      `Provided apiVersion:${describe(version)} is not in API version 1`,
    );
  }
  const alwaysAllowed =
    name === 'hello' || name === 'ismaster' || name === 'isMaster' || name === 'endSessions';
  if (info.shuttingDown && !alwaysAllowed) {
    throw new CommandError('ShutdownInProgress', 'the server is shutting down');
  }
}

const READ_CONCERNS = new Set(['local', 'available', 'majority', 'linearizable']);
/** How far ahead of our clock a client's `afterClusterTime` may be, in commit-clock units: one day. */
const MAX_AHEAD = 86_400 * 2 ** 21;

/** All reads see committed data, so a level changes nothing; a time in the future is reached by a no-op write. */
async function honourReadConcern({ body, engine }: CommandContext): Promise<void> {
  const concern = body.get('readConcern');
  if (!(concern instanceof BDoc)) return;
  for (const [field, value] of concern.entries()) {
    if (field === 'level') {
      if (value === 'snapshot') throw unsupported('readConcern level snapshot');
      if (typeof value !== 'string' || !READ_CONCERNS.has(value))
        throw new CommandError('FailedToParse', `unknown readConcern level ${describe(value)}`);
    } else if (field === 'afterClusterTime' && value instanceof Timestamp) {
      const time = fromTimestamp(value);
      if (time <= engine.clock.current) continue;
      if (time > engine.clock.current + MAX_AHEAD) {
        throw new CommandError(
          'InvalidOptions',
          'readConcern afterClusterTime value must not be greater than the current clusterTime',
        );
      }
      await advance(engine, time);
    } else if (field !== 'provenance') {
      throw new CommandError(40415, `BSON field 'readConcern.${field}' is an unknown field.`);
    }
  }
}

function advance(engine: CommandContext['engine'], time: number): Promise<void> {
  return engine.queue.run(function* () {
    engine.clock.advanceTo(time);
    engine.logNoop('afterClusterTime');
    yield;
  });
}

function faultFor(command: Command, context: CommandContext): Fault | null {
  if (!context.info.options.testCommands || command.name === 'configureFailPoint') return null;
  const ns = typeof context.target === 'string' ? `${context.db}.${context.target}` : context.db;
  return context.failPoints.hit(command.name, ns, context.peer.appName, () => isNewWrite(context));
}

function isNewWrite({ retryable, engine }: CommandContext): boolean {
  return retryable !== null && engine.retries.outcomes(retryable).size === 0;
}

function injected({ errorCode = 1 }: Fault): CommandError {
  return new CommandError(errorCode, "Failing command via 'failCommand' failpoint");
}

function retryLabels(concern: BDoc | null, context: CommandContext): string[] {
  const code = integer(concern?.get('code') ?? null);
  return context.retryable && code !== undefined && RETRYABLE.has(code) ? ['RetryableWriteError'] : [];
}

/** Codes after which a retryable write may be sent again. Source: MongoDB retryable writes specification. */
const RETRYABLE = new Set([6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);

function labelsContext(
  command: Command | undefined,
  context: CommandContext | undefined,
): ((code: number) => string[]) | null {
  if (!command?.writes || !context?.retryable) return null;
  return (code) => (RETRYABLE.has(code) ? ['RetryableWriteError'] : []);
}

function unknownCommand(name: string): CommandError {
  if (MISSING_COMMANDS.has(name)) return unsupported(`the command '${name}'`);
  return new CommandError('CommandNotFound', `no such command: '${name}'`);
}

function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log('error', 'a command failed unexpectedly', { error: stack });
  return new CommandError('InternalError', `internal error of the embedded server: ${String(error)}`);
}
