import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import type { SendAttemptInput } from '../../../src/contracts/webhooks/dispatch.js';
import { WEBHOOK_QUEUES } from '../../../src/contracts/webhooks/delivery.js';
import { laneNames } from '../../../src/domain/webhooks/lane.js';
import type { WebhookServices } from '../../../src/workers/webhook-services.js';
import { LANES } from '../../../test/support/delivery-side.js';
import type { deliveryShape } from './delivery-shape.workflow.js';
import type { ParkedDeliveries } from './parked-deliveries.js';

const TASK_QUEUE = 'bench-shapes';
const STARTS_AT_ONCE = 64;
/** As many as a worker of ours runs. */
const ACTIVITIES_AT_ONCE = 200;
const LIMITS = { startToCloseTimeout: '35 seconds' } as const;

export interface Shape {
  name: string;
  /** Has all of them sent; may return before they are. @returns how many the server gave to the worker as it was told */
  start: (parked: ParkedDeliveries) => Promise<number>;
}

/** Four ways to have the same deliveries made by the same sender, with the same writes. */
export class Shapes {
  private constructor(
    private readonly services: WebhookServices,
    private readonly client: Client,
    private readonly connection: NativeConnection,
    private readonly worker: Worker,
    private readonly running: Promise<void>,
  ) {}

  static async open(address: string, client: Client, services: WebhookServices): Promise<Shapes> {
    const { sendAttempt } = services.activities[WEBHOOK_QUEUES.retry];
    const connection = await NativeConnection.connect({ address });
    const worker = await Worker.create({
      connection,
      taskQueue: TASK_QUEUE,
      activities: { sendAttempt },
      workflowsPath: fileURLToPath(new URL('./delivery-shape.workflow.js', import.meta.url)),
      maxConcurrentActivityTaskExecutions: ACTIVITIES_AT_ONCE,
      maxConcurrentLocalActivityExecutions: ACTIVITIES_AT_ONCE,
    });
    await Promise.all(laneNames(LANES).map((lane) => services.dispatchers.ensure(lane)));
    return new Shapes(services, client, connection, worker, worker.run());
  }

  get all(): Shape[] {
    // The server can hand over the first task in its answer only to a client on the connection of a worker.
    const eager = new Client({ connection: this.connection });
    return [
      {
        name: 'dispatcher of the lane',
        start: async (parked) => {
          this.services.lanes.wake(await parked.release());
          return 0;
        },
      },
      {
        name: 'workflow per delivery, regular activity',
        start: ({ inputs }) => each(inputs, (input) => this.#workflow(this.client, input, 'regular')),
      },
      {
        name: 'workflow per delivery, local activity',
        start: ({ inputs }) => each(inputs, (input) => this.#workflow(this.client, input, 'local')),
      },
      {
        name: 'workflow per delivery, local activity, eager start',
        start: ({ inputs }) => each(inputs, (input) => this.#workflow(eager, input, 'local', true)),
      },
      {
        name: 'standalone activity per delivery',
        start: ({ inputs }) => each(inputs, (input) => this.#activity(input)),
      },
    ];
  }

  async close(): Promise<void> {
    this.worker.shutdown();
    await this.running;
    await this.connection.close();
  }

  async #workflow(client: Client, input: SendAttemptInput, activity: 'regular' | 'local', eager = false) {
    const { eagerlyStarted } = await client.workflow.start<typeof deliveryShape>('deliveryShape', {
      workflowId: `shape/${input.deliveryId}`,
      taskQueue: TASK_QUEUE,
      args: [input, activity],
      requestEagerStart: eager,
    });
    return eagerlyStarted;
  }

  async #activity(input: SendAttemptInput) {
    const options = { id: `shape/${input.deliveryId}`, taskQueue: TASK_QUEUE, args: [input], ...LIMITS };
    await this.client.activity.start('sendAttempt', options);
    return false;
  }
}

/** Calls for all inputs, 64 at a time. @returns how many calls said yes */
async function each(
  inputs: readonly SendAttemptInput[],
  call: (input: SendAttemptInput) => Promise<boolean>,
): Promise<number> {
  const left = [...inputs];
  let yes = 0;
  const caller = async () => {
    for (let input = left.shift(); input !== undefined; input = left.shift()) if (await call(input)) yes++;
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, caller));
  return yes;
}
