import { TypedSearchAttributes } from '@temporalio/common';
import { JOB_KIND, TENANT_ID } from '../search-attributes.js';
import { WEBHOOK_QUEUES } from './delivery.js';
import { replayId } from './replay.js';
import { replayStart } from './replay-start.js';
import { TASK_WORKFLOW, taskWorkflowId } from './task.js';

interface StartedTask {
  taskId: string;
  appId: string | null;
  /** Set for tasks that send an endpoint's messages again. */
  endpointId: string | null;
  title: string;
}

/** The id of the workflow that carries a task out. */
export const workflowOfTask = ({ taskId, endpointId }: Pick<StartedTask, 'taskId' | 'endpointId'>): string =>
  endpointId === null ? taskWorkflowId(taskId) : replayId(taskId);

/** How the workflow of a task is started, by whoever does it. */
export function taskStart({ taskId, appId, endpointId, title }: StartedTask) {
  if (endpointId !== null) return replayStart({ taskId, appId: appId!, endpointId, title });
  const tenant = appId === null ? [] : [{ key: TENANT_ID, value: appId }];
  return {
    type: TASK_WORKFLOW,
    options: {
      workflowId: taskWorkflowId(taskId),
      taskQueue: WEBHOOK_QUEUES.control,
      args: [{ taskId, appId, title }],
      staticSummary: title,
      typedSearchAttributes: new TypedSearchAttributes([{ key: JOB_KIND, value: 'webhook.task' }, ...tenant]),
    },
  };
}
