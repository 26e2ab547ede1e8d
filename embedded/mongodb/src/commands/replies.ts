import { Binary, type Timestamp } from 'bson';
import { doc } from '../bson/plain.js';
import { double } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { CommandError } from '../errors.js';
import type { ServerInfo } from '../server-info.js';
import { toTimestamp } from '../storage/commit-clock.js';
import { type Services } from './command.js';
import { integer } from './schema.js';

/** `{ok: 0, ...}` for an error. */
export function errorReply(error: CommandError, labels: readonly BValue[] = []): BDoc {
  const { message: errmsg, code, codeName, details } = error;
  const errorLabels = labels.length > 0 ? [...labels] : undefined;
  return doc({ ok: double(0), errmsg, code, codeName, ...details, errorLabels });
}

/** The encoded `$clusterTime` of the newest commit; it changes far less often than replies are sent. */
let cached: { time: number; timestamp: Timestamp; clusterTime: BDoc } | null = null;

/** Adds what every reply of a replica set carries: `$clusterTime`, `operationTime` and, where it matters, its state. */
export function finishReply({ engine, info }: Services, document: BDoc): BDoc {
  const time = engine.clock.current;
  if (cached?.time !== time) {
    const timestamp = toTimestamp(time);
    // Signed with zeros and key 0, as a server without authentication does.
    const clusterTime = doc({ clusterTime: timestamp, signature: { hash: NO_HASH, keyId: 0n } });
    cached = { time, timestamp, clusterTime: BDoc.fromBytes(clusterTime.toBytes()) };
  }
  withTopologyVersion(info, document);
  return document.set('$clusterTime', cached.clusterTime).set('operationTime', cached.timestamp);
}

const NO_HASH = new Binary(Buffer.alloc(20));

type TopologyState = Pick<ServerInfo, 'processId' | 'topologyCounter'>;

/** Codes of errors that say "I am not the primary" or "I am stopping". Source: `error_codes.yml` of MongoDB 8.0. */
const STATE_CHANGES = new Set([91, 189, 10058, 10107, 11600, 11602, 13435, 13436]);

/** Which state of this process a reply speaks of. */
export function topologyVersion({ processId, topologyCounter }: TopologyState): BDoc {
  return BDoc.of(['processId', processId], ['counter', topologyCounter]);
}

/**
 * Adds the state to a reply that tells of a state change. A driver that has seen this state already then knows that
 * nothing has changed since; without it, it would take the server for lost and wait for its next heartbeat.
 */
export function withTopologyVersion(info: TopologyState, document: BDoc): BDoc {
  const tells = [document, document.get('writeConcernError')].some((part) => STATE_CHANGES.has(codeOf(part)));
  return tells ? document.set('topologyVersion', topologyVersion(info)) : document;
}

function codeOf(document: BValue | undefined): number {
  return (document instanceof BDoc && integer(document.get('code'))) || 0;
}
