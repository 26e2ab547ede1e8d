import { Schema } from 'mongoose';

/** What one page of a task found. A page that is walked again writes the same document again. */
export interface TaskResultRow {
  /** `<task>:<page>`. */
  _id: string;
  task: string;
  page: number;
  items: object[];
}

export const taskResultSchema = new Schema<TaskResultRow>(
  {
    _id: { type: String, required: true },
    task: { type: String, required: true },
    page: { type: Number, required: true },
    items: { type: [Schema.Types.Mixed], required: true } as never,
  },
  { collection: 'wh_task_results', versionKey: false },
);
taskResultSchema.index({ task: 1, page: 1 });
