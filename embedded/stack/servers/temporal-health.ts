import { Connection } from '@temporalio/client';
import { CHECK_TIMEOUT_MS } from '../service/service.js';

/** Keyword attributes that the workflows set; SQL visibility allows ten of a type, so the list stays short. */
export const SEARCH_ATTRIBUTES = ['JobKind', 'TenantId', 'Outcome', 'EndpointId', 'Period'];

const FRONTEND = 'temporal.api.workflowservice.v1.WorkflowService';
const SERVING = 1;
const KEYWORD = 2;
const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;

/** Passes if the frontend serves and the namespace exists. */
export async function checkTemporal(address: string, namespace: string): Promise<void> {
  await withConnection(address, async (connection) => {
    const { status } = await connection.healthService.check({ service: FRONTEND });
    if (status !== SERVING) throw new Error(`Temporal is up but not serving (status ${status})`);
    await connection.workflowService.describeNamespace({ namespace });
  });
}

/** Registers the search attributes that are missing on a Temporal that was there before us. */
export async function addSearchAttributes(address: string, namespace: string): Promise<void> {
  await withConnection(address, async (connection) => {
    const known = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in known.customAttributes));
    if (missing.length === 0) return;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  });
}

/** Passes if the process with this pid polls the queue: a worker's identity is `<pid>@<host>`. */
export async function checkPoller(
  address: string,
  namespace: string,
  queue: string,
  pid: number,
): Promise<void> {
  await withConnection(address, async (connection) => {
    for (const taskQueueType of [WORKFLOW_QUEUE, ACTIVITY_QUEUE]) {
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: queue },
        taskQueueType,
      });
      if (pollers.some(({ identity }) => identity?.startsWith(`${pid}@`))) return;
    }
    throw new Error(`process ${pid} does not poll the task queue '${queue}' yet`);
  });
}

async function withConnection(
  address: string,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: CHECK_TIMEOUT_MS });
  try {
    await connection.withDeadline(Date.now() + CHECK_TIMEOUT_MS, () => use(connection));
  } finally {
    await connection.close();
  }
}
