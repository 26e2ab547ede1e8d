import { setTimeout as delay } from 'node:timers/promises';
import { OPERATIONAL_APP } from '../../contracts/webhooks/operational-event.js';
import type { SchemaFault } from '../../domain/webhooks/event-schema/schema-bounds.js';
import { crashPoint } from '../../platform/crash-point.js';
import { isDatabaseAway } from '../../platform/database-away.js';
import { GroupCommit } from '../../platform/group-commit.js';
import { webhookMetrics } from '../../platform/metrics.js';
import { acceptBounds, useGranted } from './accept-bounds.js';
import type { AcceptRates } from './accept-rates.js';
import type { ApplicationCache } from './application-cache.js';
import type { CachedApplication } from './cached-application.js';
import type { EventTypeCache } from './event-type/event-type-cache.js';
import { typeVerdict } from './event-type/type-check.js';
import type { TypeCheckOptions, TypeFault } from './event-type/type-check.js';
import { keepsOrder, messageRow } from './message-draft.js';
import type { MessageDraft } from './message-draft.js';
import type { MessageRepository } from './message.repository.js';
import type { MessageRow } from './message.schema.js';

const MAX_GROUP = 1_000;
/** Kept with a message at most. */
const MAX_MISFITS = 10;
/** Who has waited so long behind a flush that found no database is not made to wait for the next one too. */
const PATIENCE_BEHIND_MS = 1_000;
/** Where answers do not wait for the store: how long they are ahead of it. */
const STORED_BEHIND_MS = 250;

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
  /** Called with messages right after they are durable; settles when their delivery rows are stored, never rejects. */
  onStored: (messages: StoredMessage[]) => Promise<void>;
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
  /** Of messages that keep an order: settles when their delivery rows are stored. */
  readonly #inOrder = new WeakMap<MessageRow, Promise<void>>();

  constructor(
    private readonly cache: ApplicationCache,
    private readonly eventTypes: EventTypeCache,
    private readonly messages: MessageRepository,
    private readonly rates: AcceptRates,
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
    const accepted = await this.#commit.add(draft);
    await this.#orderKept(accepted);
    return accepted;
  }

  /** Stores the messages with one flush; each answer stands alone, an `Error` where it is not known what became of it. */
  async acceptAll(drafts: readonly MessageDraft[]): Promise<(Accepted | Error)[]> {
    if (drafts.length === 0) return [];
    await this.options.untilPrimary?.();
    const answers = await this.#commit.addAll(drafts);
    await Promise.all(answers.map((answer) => this.#orderKept(answer)));
    return answers;
  }

  /** Resolves when everything handed over so far is answered. */
  idle(): Promise<void> {
    return this.#commit.idle();
  }

  async #flush(drafts: MessageDraft[]): Promise<(Accepted | Error)[]> {
    const { applications, types } = await this.#current(drafts);
    const each = drafts
      .map((draft) => applications.get(draft.application))
      .filter((one) => one !== undefined);
    const bounds = await acceptBounds(each, { messages: this.messages, rates: this.rates });
    const revisions = new Map([...applications.values()].map(({ id, rev }) => [id, rev]));
    const withRevision = (row: MessageRow) => ({ row, appRev: revisions.get(row.app) ?? 0 });
    const decisions = drafts.map((draft): MessageRow | Refused => {
      const application = applications.get(draft.application);
      if (application === undefined) return { kind: 'no_application' };
      const bound = bounds.get(application.id)!;
      const waitMs = useGranted(bound);
      const row = messageRow(draft, application, { above: bound.above, lanes: this.options.lanes });
      const { fault, warnings } = typeVerdict(draft, types, this.options);
      if (warnings.length > 0) this.#mark(row, warnings);
      if (fault === null && waitMs > 0) return { kind: 'throttled', row, waitMs };
      return fault === null ? row : { ...fault, row };
    });
    const toStore = decisions.filter(isRow);
    if (!this.options.durable) return this.#answerFirst(decisions, toStore.map(withRevision));
    const duplicates = toStore.length === 0 ? new Set<MessageRow>() : await this.messages.insert(toStore);
    // Not with events of our own: no one asked for them, and any process may relay them at any time.
    if (toStore.some(({ app }) => app !== OPERATIONAL_APP)) crashPoint('message_stored');
    const stored = toStore.filter((row) => !duplicates.has(row));
    webhookMetrics.flushRows.observe({ kind: 'accept' }, toStore.length);
    webhookMetrics.accepted.inc(stored.length);
    if (stored.length > 0) this.#follow(stored.map(withRevision));
    return Promise.all(
      decisions.map((decision): Promise<Accepted | Error> => {
        if (!isRow(decision)) return this.#refused(decision);
        if (duplicates.has(decision)) return this.#duplicate(decision);
        return Promise.resolve({ kind: 'stored', row: decision });
      }),
    );
  }

  #follow(stored: StoredMessage[]): void {
    const [ordered, others] = [
      stored.filter(({ row }) => keepsOrder(row)),
      stored.filter(({ row }) => !keepsOrder(row)),
    ];
    if (others.length > 0) void this.options.onStored(others);
    if (ordered.length === 0) return;
    const rowsStored = this.options.onStored(ordered);
    for (const { row } of ordered) this.#inOrder.set(row, rowsStored);
  }

  /**
   * A message that keeps an order is answered when its deliveries are stored: whoever then sends the next, through
   * whichever process, has it read after this one.
   */
  async #orderKept(accepted: Accepted | Error): Promise<void> {
    if (accepted instanceof Error) return;
    if (accepted.kind === 'stored') await this.#inOrder.get(accepted.row);
    if (accepted.kind === 'replayed') await this.messages.completeOrder(accepted.row);
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

  /** What a kill takes before it is stored is what the negative control counts. */
  #answerFirst(decisions: (MessageRow | Refused)[], toStore: StoredMessage[]): Accepted[] {
    const rows = toStore.map(({ row }) => row);
    void delay(STORED_BEHIND_MS)
      .then(() => this.messages.insert(rows))
      .then(
        () => void this.options.onStored(toStore),
        () => undefined,
      );
    return decisions.map((decision) => (isRow(decision) ? { kind: 'stored', row: decision } : decision));
  }
}

/** Not to be stored; with the row it would have been, to find what it repeats. */
type Refused = { kind: 'no_application' } | ((TypeFault | Throttled) & { row: MessageRow });

const isRow = (decision: MessageRow | Refused): decision is MessageRow => !('kind' in decision);
