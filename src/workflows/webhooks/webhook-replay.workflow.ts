import { defineUpdate, proxyActivities, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { ENDPOINT_ID, JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { REPLAY_RATE } from '../../contracts/webhooks/replay.js';
import type {
  ReplayActivities,
  ReplayInput,
  ReplayProgress,
  Steering,
  TaskState,
} from '../../contracts/webhooks/replay.js';
import { pagedTask, percentOf } from './paged-task.js';

export const setRate = defineUpdate<void, [number]>('setRate');

const { replayPage } = proxyActivities<ReplayActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '60 seconds',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});
const { steerReplay } = proxyActivities<ReplayActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});
const { previewReplay } = proxyActivities<ReplayActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
});

/** Has messages of an endpoint sent again, page by page, each when the one before it is all due. */
export async function webhookReplay(input: ReplayInput): Promise<TaskState> {
  const { taskId, appId, endpointId, title } = input;
  const orders: Steering[] = [];
  setHandler(setRate, (ratePerSec) => void orders.push({ action: 'setRate', ratePerSec }), {
    validator: (ratePerSec) => {
      if (Number.isInteger(ratePerSec) && ratePerSec >= REPLAY_RATE.least && ratePerSec <= REPLAY_RATE.most)
        return;
      throw new Error(
        `expected ${REPLAY_RATE.least} to ${REPLAY_RATE.most} messages a second, got ${ratePerSec}`,
      );
    },
  });
  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.replay' },
    { key: TENANT_ID, value: appId },
    { key: ENDPOINT_ID, value: endpointId },
    { key: OUTCOME, value: 'waiting' },
  ]);
  return pagedTask(input, {
    title,
    orders,
    count: () => previewReplay.executeWithOptions({ summary: 'count what there is to send' }, [{ taskId }]),
    page: (n) => replayPage.executeWithOptions({ summary: `page ${n} of this run` }, [{ taskId }]),
    steer: (steering) => steerReplay.executeWithOptions({ summary: steering.action }, [{ taskId, steering }]),
    inWords,
  });
}

function inWords({ total, sent, skipped, ratePerSec }: ReplayProgress): string {
  const left = skipped === 0 ? '' : `, ${skipped} left out`;
  const percent = percentOf(total, sent + skipped);
  return `${sent} of ${total ?? '?'} made due${percent}${left}, ${ratePerSec} a second`;
}
