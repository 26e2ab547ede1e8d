import type { Accepted, MessageAccept } from '../message-accept.js';
import type { WebhookModels } from '../webhook-models.js';
import { applicationCount, applicationPage } from './application-page.js';
import type { WalkTaskRow } from './task.schema.js';
import type { TaskWalk, WalkedItems } from './task-walk.js';

export interface BroadcastItem {
  appId: string;
  msgId: string;
}

const APPLICATIONS = 50;

/**
 * The same message to every application. A message has the task's id as its idempotency key, so that a page that is
 * walked again finds the messages it has made and makes those that are missing.
 */
export class Broadcast implements TaskWalk {
  constructor(
    private readonly models: WebhookModels,
    /** Checks no schema: that was done when the task was accepted. */
    private readonly accepting: MessageAccept,
  ) {}

  count(task: WalkTaskRow): Promise<number> {
    return applicationCount(this.models, task);
  }

  async page(task: WalkTaskRow): Promise<WalkedItems | null> {
    const message = task.message;
    if (message === undefined) return null;
    const page = await applicationPage(this.models, task, APPLICATIONS);
    const body = Buffer.from(message.body.buffer);
    const payload = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    const { type, eventId, channels, retentionDays } = message;
    const answers = await this.#accepted(
      page.map(({ _id: application }) => ({
        ...{ application, type, eventId, body, payload, channels, retentionDays },
        ...{ tags: null, deliverAt: null, idempotencyKey: task._id, requestHash: task._id },
      })),
    );
    const items = answers.flatMap((answer, index): BroadcastItem[] =>
      isMade(answer) ? [{ appId: page[index]!._id, msgId: answer.row._id }] : [],
    );
    return { seen: page.length, counted: items.length, next: page.at(-1)?._id ?? null, items };
  }

  /** Waits for applications that may not send that much just now. */
  async #accepted(drafts: Parameters<MessageAccept['acceptAll']>[0]): Promise<Accepted[]> {
    const answers = await this.accepting.acceptAll(drafts);
    for (const answer of answers) if (answer instanceof Error) throw answer;
    const known = answers as Accepted[];
    const waiting = known.flatMap((answer, index) => (answer.kind === 'throttled' ? [index] : []));
    if (waiting.length === 0) return known;
    const waitMs = Math.max(...known.map((answer) => (answer.kind === 'throttled' ? answer.waitMs : 0)));
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const later = await this.#accepted(waiting.map((index) => drafts[index]!));
    waiting.forEach((index, position) => (known[index] = later[position]!));
    return known;
  }
}

/** Not where its event id is taken, or its application is gone meanwhile. */
const isMade = (answer: Accepted): answer is Extract<Accepted, { kind: 'stored' | 'replayed' }> =>
  answer.kind === 'stored' || answer.kind === 'replayed';
