import type { StateSelection } from '../../../domain/webhooks/replay-selection.js';
import { idWindow, replayedStates } from '../../../domain/webhooks/replay-selection.js';
import { DURABLE } from '../../connection.js';
import type { DeliveryRow } from '../delivery.schema.js';
import type { WebhookModels } from '../webhook-models.js';
import type { DueTimes, ReplayCount, ReplaySource } from './replay-source.js';
import type { ReplayPlan, ReplayTaskRow } from '../task/task.schema.js';

type Candidate = Pick<DeliveryRow, '_id' | 'rev' | 'n' | 'msg'>;

/** What waits longer than this is not in hand anywhere, so hurrying it cannot send it twice. */
const IN_HAND_MS = 2000;

/** Recover and bulk replay: deliveries that are there. Each state is one walk along `{ep, state, _id}`. */
export class ReplayDeliveries implements ReplaySource {
  constructor(private readonly models: WebhookModels) {}

  // By index: 100,000 rows take less than a preview may.
  async count(task: ReplayTaskRow): Promise<ReplayCount> {
    let count = 0;
    for (const selection of selections(task)) {
      count += await this.#deliveries.countDocuments(queryOf(task, selection, ''));
    }
    return { count, complete: true };
  }

  async plan(task: ReplayTaskRow, limit: number): Promise<ReplayPlan> {
    const states = selections(task);
    let { stream, after } = task.cursor;
    for (; stream < states.length; stream++, after = '') {
      const found = this.#deliveries
        .find(queryOf(task, states[stream]!, after), { projection: { rev: 1, n: 1, msg: 1 } })
        .sort({ _id: 1 })
        .limit(limit);
      const rows = (await found.toArray()) as unknown as Candidate[];
      if (rows.length > 0) return this.#planOf(rows, { stream, after: rows.at(-1)!._id });
    }
    return { rows: [], skipped: 0, next: null };
  }

  async apply({ _id: task, plan }: ReplayTaskRow, { lane, at }: DueTimes): Promise<number> {
    if (plan!.rows.length === 0) return 0;
    const ids = plan!.rows.map(({ id }) => id as never);
    // The schedule starts anew with the attempts made so far as its base.
    const operations = plan!.rows.map(({ id, rev, n: base }, n) => ({
      updateOne: {
        filter: { _id: id as never, rev, task: { $ne: task } },
        update: {
          $set: { state: 'pending', reason: null, base, task, rev: rev + 1, q: { l: lane, at: at(n) } },
        },
      },
    }));
    await this.#deliveries.bulkWrite(operations, { ordered: false, writeConcern: DURABLE });
    return this.#deliveries.countDocuments({ _id: { $in: ids }, task });
  }

  async #planOf(rows: Candidate[], next: ReplayPlan['next']): Promise<ReplayPlan> {
    const messages = rows.map((row) => row.msg as never);
    const found = await this.models.messages.collection
      .find({ _id: { $in: messages }, body: { $ne: null } }, { projection: { _id: 1 } })
      .toArray();
    const withContent = new Set(found.map((row) => String(row._id)));
    const kept = rows.filter((row) => withContent.has(row.msg));
    return {
      rows: kept.map(({ _id: id, rev, n }) => ({ id, rev, n })),
      skipped: rows.length - kept.length,
      next,
    };
  }

  get #deliveries() {
    return this.models.deliveries.collection;
  }
}

function selections({ kind, filter }: ReplayTaskRow): readonly StateSelection[] {
  if (kind === 'endpoint.replay') throw new Error('replay-missing does not look for deliveries');
  return replayedStates(kind, filter);
}

function queryOf(
  task: ReplayTaskRow,
  { state, reasons }: StateSelection,
  after: string,
): Record<string, unknown> {
  const { eventTypes, channel, tag, statusCodeClass: codes } = task.filter;
  const { from, to } = idWindow('dlv', task.filter);
  return {
    ep: task.ep,
    state,
    _id: after > from ? { $gt: after, $lt: to } : { $gte: from, $lt: to },
    ...(reasons === null ? {} : { reason: { $in: reasons } }),
    ...(eventTypes === null || eventTypes.length === 0 ? {} : { type: { $in: eventTypes } }),
    ...(channel === null ? {} : { channels: channel }),
    ...(tag === null ? {} : { tags: tag }),
    ...(codes === null ? {} : { lastCode: codes === 0 ? 0 : { $gte: codes, $lt: codes + 100 } }),
    ...(state === 'retrying' ? { 'q.at': { $gt: new Date(Date.now() + IN_HAND_MS) } } : {}),
    // What this task has sent and what failed again since is not its business any more.
    task: { $ne: task._id },
  };
}
