import { TypedSearchAttributes } from '@temporalio/common';
import { ENDPOINT_ID, JOB_KIND, TENANT_ID } from '../search-attributes.js';
import { WEBHOOK_QUEUES } from './delivery.js';
import { REPLAY_WORKFLOW, replayId } from './replay.js';
import type { ReplayInput } from './replay.js';

/** How the workflow of a task is started, by whoever does it. */
export const replayStart = (input: ReplayInput) => ({
  type: REPLAY_WORKFLOW,
  options: {
    workflowId: replayId(input.taskId),
    taskQueue: WEBHOOK_QUEUES.control,
    args: [input],
    staticSummary: input.title,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: JOB_KIND, value: 'webhook.replay' },
      { key: TENANT_ID, value: input.appId },
      { key: ENDPOINT_ID, value: input.endpointId },
    ]),
  },
});
