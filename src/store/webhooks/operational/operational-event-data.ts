import type { ApplicationRow } from '../application.schema.js';
import type { AttemptRow } from '../attempt.schema.js';
import type { DeliveryRow } from '../delivery.schema.js';
import type { EndpointRow } from '../endpoint.schema.js';
import type { MessageRow } from '../message.schema.js';
import { isReplay } from '../task/task.schema.js';
import type { TaskRow } from '../task/task.schema.js';
import type { WebhookModels } from '../webhook-models.js';
import type { OutboxEvent } from './outbox.js';

interface Told {
  row: { _id: string };
  event: OutboxEvent;
}

type Data = Record<string, unknown>;

/** What operational events say, in the shapes of the compatible API's `webhooks`. */
export class OperationalEventData {
  constructor(private readonly models: WebhookModels) {}

  /** In the order of the events. */
  async of(events: readonly Told[]): Promise<Data[]> {
    const rows = events.map(({ row }) => row as unknown as EndpointRow | DeliveryRow | TaskRow);
    const [applications, messages, attempts] = await Promise.all([
      this.#byId<ApplicationRow>(
        'applications',
        rows.flatMap(({ app }) => app ?? []),
      ),
      this.#byId<MessageRow>(
        'messages',
        rows.flatMap((row) => ('msg' in row ? [row.msg] : [])),
      ),
      this.#byId<AttemptRow>(
        'attempts',
        events.flatMap(({ event }) =>
          typeof event.more['attempt'] === 'string' ? [event.more['attempt']] : [],
        ),
      ),
    ]);
    return rows.map((row, index) => {
      const { event } = events[index]!;
      if ('kind' in row) return taskData(row);
      const app = { appId: row.app, ...uidOf('appUid', applications.get(row.app)?.uid) };
      if ('msg' in row) {
        const attempt = attempts.get(String(event.more['attempt']));
        return { ...app, ...deliveryData(row, messages.get(row.msg), attempt) };
      }
      return { ...app, endpointId: row._id, ...uidOf('endpointUid', row.uid), ...event.more };
    });
  }

  async #byId<Row extends { _id: string }>(
    model: 'applications' | 'messages' | 'attempts',
    ids: readonly string[],
  ): Promise<Map<string, Row>> {
    if (ids.length === 0) return new Map();
    const found = await this.models[model].collection
      .find(
        { _id: { $in: [...new Set(ids)] as never[] } },
        { projection: { uid: 1, eventId: 1, code: 1, at: 1 } },
      )
      .toArray();
    return new Map(found.map((row) => [String(row._id), row as unknown as Row]));
  }
}

const uidOf = (name: string, uid: string | null | undefined): Data => (uid == null ? {} : { [name]: uid });

const deliveryData = (row: DeliveryRow, message?: MessageRow, attempt?: AttemptRow): Data => ({
  msgId: row.msg,
  ...uidOf('msgEventId', message?.eventId),
  endpointId: row.ep,
  ...(attempt === undefined
    ? {}
    : {
        lastAttempt: {
          id: attempt._id,
          responseStatusCode: attempt.code,
          timestamp: attempt.at.toISOString(),
        },
      }),
});

const taskData = (row: TaskRow): Data => ({
  taskId: row._id,
  task: row.kind,
  status: row.state === 'finished' ? 'finished' : 'failed',
  data: isReplay(row)
    ? {
        messages_sent: row.sent,
        endp_id: row.ep,
        since: row.filter.since.toISOString(),
        until: row.filter.until.toISOString(),
      }
    : { seen: row.seen, counted: row.counted, ...(row.app === null ? {} : { app_id: row.app }) },
});
