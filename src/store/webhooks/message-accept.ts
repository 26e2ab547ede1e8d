import { createHash } from 'node:crypto';
import mongoose from 'mongoose';
import { messageFacets } from '../../domain/webhooks/facets.js';
import { matchTargets } from '../../domain/webhooks/target-match.js';
import type { SchemaFault } from '../../domain/webhooks/event-schema/schema-bounds.js';
import { crashPoint } from '../../platform/crash-point.js';
import { isDatabaseAway } from '../../platform/database-away.js';
import { GroupCommit } from '../../platform/group-commit.js';
import { newId } from '../../platform/ids.js';
import { webhookMetrics } from '../../platform/metrics.js';
import { AcceptRates } from './accept-rates.js';
import type { ApplicationCache, CachedApplication } from './application-cache.js';
import type { EventTypeCache } from './event-type/event-type-cache.js';
import { typeVerdict } from './event-type/type-check.js';
import type { TypeCheckOptions, TypeFault } from './event-type/type-check.js';
import type { MessageRepository } from './message.repository.js';
import type { MessageRow } from './message.schema.js';
import { ownTarget } from './own-target.js';
import { storedTargets } from './packed-targets.js';

const DAY_MS = 86_400_000;
const MAX_GROUP = 256;
/** Kept with a message at most. */
const MAX_MISFITS = 10;
/** Who has waited so long behind a flush that found no database is not made to wait for the next one too. */
const PATIENCE_BEHIND_MS = 1_000;

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

export type Accepted =
  | { kind: 'stored' | 'replayed'; row: MessageRow }
  | { kind: 'event_id_taken'; row: MessageRow }
  | { kind: 'key_reused' }
  | { kind: 'no_application' }
  | Throttled
  | TypeFault;

/** The application sends more than it may. */
interface Throttled {
  kind: 'throttled';
  waitMs: number;
}

interface Options extends TypeCheckOptions {
  lanes: number;
  /** false answers before the row is durable: the negative control of the crash tests, never in use otherwise. */
  durable: boolean;
  /** Resolves when there is a database to write to; at once while it is not known to be away. */
  untilPrimary?: () => Promise<void>;
  /** Called with a message that does not fit the schema of its type and is to be stored nevertheless. */
  onMisfit?: (row: MessageRow) => void;
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
  readonly #rates = new AcceptRates();

  constructor(
    private readonly cache: ApplicationCache,
    private readonly eventTypes: EventTypeCache,
    private readonly messages: MessageRepository,
    private readonly options: Options,
  ) {
    this.#commit = new GroupCommit({
      maxItems: MAX_GROUP,
      flush: (drafts) => this.#flush(drafts),
      failsToo: (error, waitedMs) => waitedMs >= PATIENCE_BEHIND_MS && isDatabaseAway(error),
    });
  }

  async accept(draft: MessageDraft): Promise<Accepted> {
    // Each waits for the database by himself: in the group he would first wait for those before him.
    await this.options.untilPrimary?.();
    return this.#commit.add(draft);
  }

  /** Stores the messages with one flush; each answer stands alone, an `Error` where it is not known what became of it. */
  async acceptAll(drafts: readonly MessageDraft[]): Promise<(Accepted | Error)[]> {
    if (drafts.length === 0) return [];
    await this.options.untilPrimary?.();
    return this.#commit.addAll(drafts);
  }

  /** Resolves when everything handed over so far is answered. */
  idle(): Promise<void> {
    return this.#commit.idle();
  }

  async #flush(drafts: MessageDraft[]): Promise<(Accepted | Error)[]> {
    const { applications, types } = await this.#current(drafts);
    const revisions = new Map([...applications.values()].map(({ id, rev }) => [id, rev]));
    const withRevision = (row: MessageRow) => ({ row, appRev: revisions.get(row.app) ?? 0 });
    const decisions = drafts.map((draft): MessageRow | Refused => {
      const application = applications.get(draft.application);
      if (application === undefined) return { kind: 'no_application' };
      const waitMs = this.#rates.waitMs(application.id, application.throttleRate);
      const row = this.#row(draft, application);
      const { fault, warnings } = typeVerdict(draft, types, this.options);
      if (warnings.length > 0) this.#mark(row, warnings);
      if (fault === null && waitMs > 0) return { kind: 'throttled', row, waitMs };
      return fault === null ? row : { ...fault, row };
    });
    const toStore = decisions.filter(isRow);
    if (!this.options.durable) return this.#answerFirst(decisions, toStore.map(withRevision));
    const duplicates = toStore.length === 0 ? new Set<MessageRow>() : await this.messages.insert(toStore);
    crashPoint('message_stored');
    const stored = toStore.filter((row) => !duplicates.has(row));
    webhookMetrics.flushRows.observe({ kind: 'accept' }, toStore.length);
    webhookMetrics.accepted.inc(stored.length);
    if (stored.length > 0) this.options.onStored(stored.map(withRevision));
    return Promise.all(
      decisions.map((decision): Promise<Accepted | Error> => {
        if (!isRow(decision)) return this.#refused(decision);
        if (duplicates.has(decision)) return this.#duplicate(decision);
        return Promise.resolve({ kind: 'stored', row: decision });
      }),
    );
  }

  /** The applications and event types of the drafts, proved current against the store by one read. */
  async #current(drafts: MessageDraft[]) {
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
        if (revisions.applications.get(entry.id) === entry.rev) return;
        const fresh = await this.cache.load(reference);
        if (fresh === null) found.delete(reference);
        else found.set(reference, fresh);
      }),
    );
    const names = drafts.map((draft) => draft.type);
    return { applications: found, types: await this.eventTypes.asOf(revisions.eventTypes, names) };
  }

  #row(draft: MessageDraft, application: CachedApplication): MessageRow {
    const at = new Date();
    const id = newId('msg', at.getTime());
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
      ...storedTargets(id, decided, this.options.lanes, (e) =>
        ownTarget(id, e, draft.payload, application.ownLanes),
      ),
      deliverAt: draft.deliverAt,
      at,
      expiresAt: new Date(at.getTime() + daysKept(draft, application) * DAY_MS),
    };
  }

  /** Leaves on the message what does not fit its schema. */
  #mark(row: MessageRow, warnings: readonly SchemaFault[]): void {
    row.misfits = warnings.slice(0, MAX_MISFITS).map(({ path, message }) => `/${path.join('/')}: ${message}`);
    this.options.onMisfit?.(row);
  }

  /** A request that was accepted before gets its answer again, whatever the schema has become since. */
  async #refused(decision: Refused): Promise<Accepted> {
    if (decision.kind === 'no_application') return decision;
    const { row, ...fault } = decision;
    const earlier = row.ik === undefined ? null : await this.messages.takenBy(row);
    return earlier?.sameKey === true && earlier.row.rh === row.rh
      ? { kind: 'replayed', row: earlier.row }
      : fault;
  }

  /** Which earlier message stands in the way, and what that means for this request. */
  async #duplicate(row: MessageRow): Promise<Accepted | Error> {
    const earlier = await this.messages.takenBy(row);
    if (earlier === null)
      return new Error('a message was refused as a duplicate of one that cannot be found');
    if (!earlier.sameKey) return { kind: 'event_id_taken', row: earlier.row };
    return earlier.row.rh === row.rh ? { kind: 'replayed', row: earlier.row } : { kind: 'key_reused' };
  }

  #answerFirst(decisions: (MessageRow | Refused)[], toStore: StoredMessage[]): Accepted[] {
    void this.messages.insert(toStore.map(({ row }) => row)).then(
      () => this.options.onStored(toStore),
      () => undefined, // what is lost here is what the negative control counts
    );
    return decisions.map((decision) => (isRow(decision) ? { kind: 'stored', row: decision } : decision));
  }
}

/** Not to be stored; with the row it would have been, to find what it repeats. */
type Refused = { kind: 'no_application' } | ((TypeFault | Throttled) & { row: MessageRow });

/** The application may keep payloads for less than a message asks, not for more. */
const daysKept = ({ retentionDays }: MessageDraft, { payloadDays }: CachedApplication) =>
  Math.min(retentionDays, payloadDays ?? retentionDays);

const isRow = (decision: MessageRow | Refused): decision is MessageRow => !('kind' in decision);

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url');
