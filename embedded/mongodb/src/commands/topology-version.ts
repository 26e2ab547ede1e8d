import { BDoc } from '../bson/values.js';
import type { ServerInfo } from '../server-info.js';
import { integer } from './schema.js';

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
export function withTopologyVersion(info: TopologyState, reply: BDoc): BDoc {
  const concern = reply.get('writeConcernError');
  const codes = [reply.get('code'), concern instanceof BDoc ? concern.get('code') : undefined];
  const tells = codes.some((code) => STATE_CHANGES.has(integer(code ?? null) ?? 0));
  return tells ? reply.set('topologyVersion', topologyVersion(info)) : reply;
}

type TopologyState = Pick<ServerInfo, 'processId' | 'topologyCounter'>;
