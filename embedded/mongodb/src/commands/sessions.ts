import { Binary } from 'bson';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { uuidV4 } from '../catalog/uuid.js';
import { defineCommand } from './context.js';
import type { CommandContext } from './context.js';

const TIMEOUT_MINUTES = 30;

/** Sessions need no place of their own here: cursors and retry records carry the session id and expire by time. */
export const startSession = defineCommand({
  name: 'startSession',
  help: 'returns a new session id',
  schema: {},
  run() {
    const id = new Binary(uuidV4(), Binary.SUBTYPE_UUID);
    return BDoc.of(['id', BDoc.of(['id', id])], ['timeoutMinutes', TIMEOUT_MINUTES]);
  },
});

export const refreshSessions = defineCommand({
  name: 'refreshSessions',
  help: 'keeps sessions alive',
  schema: {},
  run: () => BDoc.of(),
});

export const endSessions = defineCommand({
  name: 'endSessions',
  help: 'closes the cursors of sessions',
  schema: {},
  run: closeSessions,
});

export const killSessions = defineCommand({
  name: 'killSessions',
  aliases: ['killAllSessions', 'killAllSessionsByPattern'],
  help: 'closes the cursors of sessions; an empty list means all',
  schema: {},
  run(args, context) {
    if (Array.isArray(context.target) && context.target.length === 0) context.cursors.killAll();
    return closeSessions(args, context);
  },
});

function closeSessions(_args: object, { target, cursors }: CommandContext): BDoc {
  cursors.killOfSessions(new Set(sessionIds(target)));
  return BDoc.of();
}

function sessionIds(target: BValue): string[] {
  if (!Array.isArray(target)) return [];
  return target.flatMap((session) => {
    const lsid = session instanceof BDoc ? (session.get('lsid') ?? session) : undefined;
    const id = lsid instanceof BDoc ? lsid.get('id') : undefined;
    return id instanceof Binary ? [id.toString('hex')] : [];
  });
}
