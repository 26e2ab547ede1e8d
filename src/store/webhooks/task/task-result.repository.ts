import { DURABLE } from '../../connection.js';
import type { WebhookModels } from '../webhook-models.js';
import type { TaskResultRow } from './task-result.schema.js';

/** Results of tasks, page by page: a document holds 16 MiB at most. */
export class TaskResultRepository {
  constructor(private readonly models: WebhookModels) {}

  /** @returns how many bytes it takes, about */
  async keep(task: string, page: number, items: object[]): Promise<number> {
    if (items.length === 0) return 0;
    const row = { task, page, items };
    await this.#rows.replaceOne({ _id: `${task}:${page}` as never }, row, {
      upsert: true,
      writeConcern: DURABLE,
    });
    return JSON.stringify(items).length;
  }

  /** Everything that was found, in order. */
  async of<Item>(task: string): Promise<Item[]> {
    const parts = (await this.#rows.find({ task }).sort({ page: 1 }).toArray()) as unknown as TaskResultRow[];
    return parts.flatMap(({ items }) => items) as Item[];
  }

  get #rows() {
    return this.models.taskResults.collection;
  }
}
