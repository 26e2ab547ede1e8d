import { createHash } from 'node:crypto';
import mongoose from 'mongoose';
import { messageFacets } from '../../domain/webhooks/facets.js';
import { matchTargets } from '../../domain/webhooks/target-match.js';
import { newIdAbove } from '../../platform/ids.js';
import type { CachedApplication } from './cached-application.js';
import type { MessageRow } from './message.schema.js';
import { ownTarget } from './own-target.js';
import { storedTargets } from './packed-targets.js';

const DAY_MS = 86_400_000;

/** A message that was checked and is to be accepted. */
export interface MessageDraft {
  /** Id or uid of the application. */
  application: string;
  /** The only endpoint it is for, whatever the filters say. */
  onlyEndpoint?: string;
  type: string;
  eventId: string | null;
  /** The payload exactly as received. */
  body: Buffer;
  /** The same, parsed: for content filters and schemas. */
  payload: Record<string, unknown>;
  channels: string[] | null;
  tags: string[] | null;
  /** W3C trace id, where the caller named one. */
  trace?: string | null;
  deliverAt: Date | null;
  retentionDays: number;
  idempotencyKey: string | null;
  /** Hash of the whole request, to tell a repeated call from a reused key. */
  requestHash: string;
}

/**
 * The row of a message with its targets.
 * @param above the newest message that it must come after, whatever the clock of this process says; null for none
 * @param lanes number of shared lanes
 */
export function messageRow(
  draft: MessageDraft,
  application: CachedApplication,
  { above, lanes }: { above: string | null; lanes: number },
): MessageRow {
  const at = new Date();
  const id = newIdAbove(above, 'msg', at.getTime());
  const { onlyEndpoint } = draft;
  const decided =
    onlyEndpoint === undefined
      ? matchTargets(draft, application.endpoints)
      : {
          targets: application.endpoints.map(({ id: ep }) => ep).filter((ep) => ep === onlyEndpoint),
          skipped: [],
        };
  return {
    _id: id,
    app: application.id,
    type: draft.type,
    eventId: draft.eventId,
    body: new mongoose.mongo.Binary(draft.body),
    bodySha256: createHash('sha256').update(draft.body).digest('hex'),
    channels: draft.channels,
    tags: draft.tags,
    k: messageFacets(draft),
    ...(draft.trace == null ? {} : { trace: draft.trace }),
    ...(draft.eventId === null ? {} : { ek: `${application.id}:${draft.eventId}` }),
    ...(draft.idempotencyKey === null ? {} : { ik: `${application.id}:${hashOf(draft.idempotencyKey)}` }),
    rh: draft.requestHash,
    ...storedTargets(id, decided, lanes, (e) => ownTarget(id, e, draft.payload, application.ownLanes)),
    deliverAt: draft.deliverAt,
    at,
    expiresAt: new Date(at.getTime() + daysKept(draft, application) * DAY_MS),
  };
}

/** Whether a message has its turn among others at one of its endpoints. Those endpoints have lanes of their own. */
export const keepsOrder = ({ targets }: Pick<MessageRow, 'targets'>): boolean =>
  targets.some(({ f }) => f !== undefined);

/** The application may keep payloads for less than a message asks, not for more. */
const daysKept = ({ retentionDays }: MessageDraft, { payloadDays }: CachedApplication) =>
  Math.min(retentionDays, payloadDays ?? retentionDays);

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url');
