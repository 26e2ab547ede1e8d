import { createHash } from 'node:crypto';
import mongoose from 'mongoose';
import { laneOf } from '../../domain/webhooks/lane.js';
import { messageFacets } from '../../domain/webhooks/facets.js';
import { matchTargets } from '../../domain/webhooks/target-match.js';
import { GroupCommit } from '../../platform/group-commit.js';
import { deliveryId, newId } from '../../platform/ids.js';
import { webhookMetrics } from '../../platform/metrics.js';
import type { ApplicationCache, CachedApplication } from './application-cache.js';
import type { MessageRepository } from './message.repository.js';
import type { MessageRow } from './message.schema.js';

const DAY_MS = 86_400_000;
const MAX_GROUP = 256;

/** A message that was checked and is to be accepted. */
export interface MessageDraft {
  /** Id or uid of the application. */
  application: string;
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

export type Accepted =
  | { kind: 'stored' | 'replayed'; row: MessageRow }
  | { kind: 'event_id_taken'; row: MessageRow }
  | { kind: 'key_reused' }
  | { kind: 'no_application' };

interface Options {
  lanes: number;
  /** false answers before the row is durable: the negative control of the crash tests, never in use otherwise. */
  durable: boolean;
  /** Called with the messages of a flush right after they are durable; must not throw. */
  onStored: (messages: StoredMessage[]) => void;
}

/** A durable message, with the revision of its application that its targets were matched at. */
export interface StoredMessage {
  row: MessageRow;
  appRev: number;
}

/**
 * Accepts messages. One flush compares the revisions of the applications involved, matches endpoints and stores all
 * rows with one durable insert; only then are the callers answered. Everything after that (delivery rows, hints)
 * can be derived again from the stored row.
 */
export class MessageAccept {
  readonly #commit: GroupCommit<MessageDraft, Accepted>;

  constructor(
    private readonly cache: ApplicationCache,
    private readonly messages: MessageRepository,
    private readonly options: Options,
  ) {
    this.#commit = new GroupCommit({ maxItems: MAX_GROUP, flush: (drafts) => this.#flush(drafts) });
  }

  accept(draft: MessageDraft): Promise<Accepted> {
    return this.#commit.add(draft);
  }

  /** Resolves when everything handed over so far is answered. */
  idle(): Promise<void> {
    return this.#commit.idle();
  }

  async #flush(drafts: MessageDraft[]): Promise<(Accepted | Error)[]> {
    const applications = await this.#applications(drafts);
    const revisions = new Map([...applications.values()].map(({ id, rev }) => [id, rev]));
    const withRevision = (row: MessageRow) => ({ row, appRev: revisions.get(row.app) ?? 0 });
    const rows = drafts.map((draft) => {
      const application = applications.get(draft.application);
      return application === undefined ? null : this.#row(draft, application);
    });
    const toStore = rows.filter((row) => row !== null);
    if (!this.options.durable) return this.#answerFirst(rows, toStore.map(withRevision));
    const refused = toStore.length === 0 ? new Set<MessageRow>() : await this.messages.insert(toStore);
    const stored = toStore.filter((row) => !refused.has(row));
    webhookMetrics.flushRows.observe({ kind: 'accept' }, toStore.length);
    webhookMetrics.accepted.inc(stored.length);
    if (stored.length > 0) this.options.onStored(stored.map(withRevision));
    return Promise.all(
      rows.map((row) => {
        if (row === null) return Promise.resolve<Accepted>({ kind: 'no_application' });
        return refused.has(row) ? this.#refusal(row) : Promise.resolve<Accepted>({ kind: 'stored', row });
      }),
    );
  }

  /** The applications of the drafts, each proved current against the store; missing ones are left out. */
  async #applications(drafts: MessageDraft[]): Promise<Map<string, CachedApplication>> {
    const references = [...new Set(drafts.map((draft) => draft.application))];
    const found = new Map<string, CachedApplication>();
    await Promise.all(
      references.map(async (reference) => {
        const entry = await this.cache.get(reference);
        if (entry !== null) found.set(reference, entry);
      }),
    );
    const revisions = await this.cache.revisions([...new Set([...found.values()].map((entry) => entry.id))]);
    await Promise.all(
      [...found].map(async ([reference, entry]) => {
        if (revisions.get(entry.id) === entry.rev) return;
        const fresh = await this.cache.load(reference);
        if (fresh === null) found.delete(reference);
        else found.set(reference, fresh);
      }),
    );
    return found;
  }

  #row(draft: MessageDraft, application: CachedApplication): MessageRow {
    const at = new Date();
    const id = newId('msg', at.getTime());
    const { targets, skipped } = matchTargets(draft, application.endpoints);
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
      ek: `${application.id}:${draft.eventId ?? id}`,
      ik: `${application.id}:${draft.idempotencyKey === null ? id : hashOf(draft.idempotencyKey)}`,
      rh: draft.requestHash,
      targets: targets.map((e) => ({ d: deliveryId(id, e), e, l: laneOf(e, this.options.lanes) })),
      skipped,
      deliverAt: draft.deliverAt,
      at,
      expiresAt: new Date(at.getTime() + draft.retentionDays * DAY_MS),
    };
  }

  /** Which earlier message stands in the way, and what that means for this request. */
  async #refusal(row: MessageRow): Promise<Accepted | Error> {
    const earlier = await this.messages.takenBy(row);
    if (earlier === null)
      return new Error('a message was refused as a duplicate of one that cannot be found');
    if (!earlier.sameKey) return { kind: 'event_id_taken', row: earlier.row };
    return earlier.row.rh === row.rh ? { kind: 'replayed', row: earlier.row } : { kind: 'key_reused' };
  }

  #answerFirst(rows: (MessageRow | null)[], toStore: StoredMessage[]): Accepted[] {
    void this.messages.insert(toStore.map(({ row }) => row)).then(
      () => this.options.onStored(toStore),
      () => undefined, // what is lost here is what the negative control counts
    );
    return rows.map((row) => (row === null ? { kind: 'no_application' } : { kind: 'stored', row }));
  }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url');
