import type { Logger } from 'pino';
import { RETRY_GRACE_MS, RETRY_LANE } from '../../contracts/webhooks/delivery.js';
import type { SweepResult } from '../../contracts/webhooks/dispatch.js';
import { isOwnLane, laneNames, laneOf } from '../../domain/webhooks/lane.js';
import { webhookMetrics } from '../../platform/metrics.js';
import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';
import type { EndpointLaneRepository } from '../../store/webhooks/endpoint-lane.repository.js';
import type { ExpiredRepository } from '../../store/webhooks/expired.repository.js';
import type { OperationalRelay } from '../../store/webhooks/operational/operational-relay.js';
import type { LaneRepository } from '../../store/webhooks/lane.repository.js';
import { messageFloor } from '../../store/webhooks/sweep.repository.js';
import type { SweepRepository } from '../../store/webhooks/sweep.repository.js';
import type { Dispatchers } from './dispatchers.js';
import { LEASE_TIMES } from './lane/lease/lane-lease.js';
import type { LaneWatch } from './lane/lease/lane-watch.js';
import type { TaskWorkflows } from './task/task-workflows.js';
import type { Recoveries } from './recoveries.js';
import type { RetryHandover } from './retry-handover.js';

export interface SweepOptions {
  messages: SweepRepository;
  deliveries: DeliveryRepository;
  lanes: LaneRepository;
  watch: LaneWatch;
  dispatchers: Dispatchers;
  handover: RetryHandover;
  replays: TaskWorkflows;
  /** Sends what stands in outboxes. */
  relay: OperationalRelay;
  expired: ExpiredRepository;
  endpoints: EndpointLaneRepository;
  recoveries: Recoveries;
  /** Number of shared lanes. */
  laneCount: number;
  log: Logger;
  now?: () => Date;
}

/** A message this old is given its rows if they are missing; accept is given this long to do it. */
const ACCEPT_MS = 5000;
/** A message may become visible this long after the time in its id. The watermark never comes nearer to now. */
const SETTLE_MS = 120_000;
/** Most late ones are not that late: recent messages are looked at twice before they settle. */
const LATE_MS = 30_000;
/** With no watermark yet: how far back the first sweep looks. */
const FIRST_LOOK_MS = 30 * 86_400_000;
const OVERDUE_MS = 60_000;
/** A retry that its workflow has not made by then goes back to its lane. */
const RETURN_MS = 600_000;
const PAGE_ROWS = 500;
const MAX_DOWN = 1000;

/** Mends what a crash may have left undone. Everything it does may be done twice or by several at once. */
export class Sweep {
  /** Messages before this time were looked at by this process, after `ACCEPT_MS` but before `SETTLE_MS`. */
  #lookedThrough = new Date(0);

  constructor(private readonly options: SweepOptions) {}

  /** @param alive called now and then while it goes on */
  async run(alive: () => void = () => undefined): Promise<SweepResult> {
    const inserted = await this.#insertMissingRows(alive);
    const down = await this.#recoverEndpoints();
    const wokenLanes = await this.#orElse([], this.#wakeLanes(down), 'lanes not looked after');
    const tasks = await this.#orElse(
      0,
      this.options.replays.wakeStale(this.#now()),
      'tasks not looked after',
    );
    const { restarted, returned } = await this.#overdueRetries(alive);
    await this.#orElse(0, this.options.relay.run(alive), 'operational events not sent');
    await this.#orElse(0, this.options.expired.removeFirstAnswers(this.#now()), 'first answers not removed');
    await this.#orElse(0, this.options.expired.removeOldKeys(this.#now()), 'old keys not removed');
    if (inserted + restarted + returned + tasks > 0) {
      this.options.log.warn({ inserted, restarted, returned, tasks }, 'the sweeper had to mend something');
    }
    count({ inserted, restarted, returned, tasks });
    return { inserted, wokenLanes, restarted, returned, tasks };
  }

  async #insertMissingRows(alive: () => void): Promise<number> {
    const { messages } = this.options;
    const now = this.#now().getTime();
    const settled = new Date(now - SETTLE_MS);
    const watermark = (await messages.watermark()) ?? new Date(now - FIRST_LOOK_MS);
    const first = await this.#insertBetween(watermark, settled, alive);
    if (settled > watermark) await messages.advance(settled);
    const again = this.#lookedThrough.getTime() - LATE_MS;
    const from = new Date(Math.max(settled.getTime(), watermark.getTime(), again));
    const recent = new Date(now - ACCEPT_MS);
    const second = await this.#insertBetween(from, recent, alive);
    this.#lookedThrough = recent;
    return first + second;
  }

  async #insertBetween(from: Date, before: Date, alive: () => void): Promise<number> {
    let inserted = 0;
    let after = messageFloor(from);
    for (;;) {
      const page = await this.options.messages.messages({ after, before, limit: PAGE_ROWS });
      inserted += await this.options.messages.insertMissing(page);
      alive();
      if (page.length < PAGE_ROWS) return inserted;
      after = page.at(-1)!._id;
    }
  }

  /** Every shared lane and every lane with open rows has a dispatcher, and one that shows life if rows are overdue. */
  async #wakeLanes(down: ReadonlySet<string>): Promise<string[]> {
    const { deliveries, lanes, watch, dispatchers, laneCount } = this.options;
    const inUse = (await deliveries.lanesInUse()).filter((lane) => lane !== RETRY_LANE);
    const woken: string[] = [];
    for (const lane of new Set([...laneNames(laneCount), ...inUse])) {
      if (down.has(lane)) continue;
      await dispatchers.ensure(lane);
      // What is overdue in the lane of one endpoint may wait for its rate or its turn.
      if (isOwnLane(lane) || !inUse.includes(lane) || !(await this.#isOverdue(lane))) continue;
      const row = await lanes.read(lane);
      if (row.owner !== null && watch.unchangedMs(row) < LEASE_TIMES.takeOverMs) continue;
      await dispatchers.wake(lane, { deadOwner: row.owner ?? `nobody/${row.epoch}` });
      woken.push(lane);
    }
    return woken;
  }

  /** Every endpoint that is down has a workflow that brings it back. @returns their ids */
  async #recoverEndpoints(): Promise<Set<string>> {
    const rows = await this.options.endpoints.withOpenCircuit(MAX_DOWN);
    for (const row of rows) await this.options.recoveries.start(row);
    return new Set(rows.map(({ _id }) => _id));
  }

  async #isOverdue(lane: string): Promise<boolean> {
    const now = new Date(this.#now().getTime() - OVERDUE_MS);
    return (await this.options.deliveries.due(lane, { now, limit: 1, skipEndpoints: [] })).length > 0;
  }

  async #overdueRetries(alive: () => void): Promise<{ restarted: number; returned: number }> {
    const { deliveries, handover, laneCount } = this.options;
    const now = this.#now();
    const done = { restarted: 0, returned: 0 };
    for (const row of await deliveries.due(RETRY_LANE, { now, limit: PAGE_ROWS, skipEndpoints: [] })) {
      const due = row.q!.at.getTime();
      if (now.getTime() - due >= RETURN_MS) {
        const q = { l: laneOf(row.ep, laneCount), at: now };
        await deliveries.write([{ _id: row._id, rev: row.rev, set: {}, q }], true);
        done.returned += 1;
      } else if (handover.reserve()) {
        const nextAt = new Date(due - RETRY_GRACE_MS);
        if (await handover.start(row, `${row.type} -> ${row.ep}`, row.n, nextAt)) done.restarted += 1;
      }
      alive();
    }
    return done;
  }

  // Temporal may be away; what can be mended without it is mended all the same.
  async #orElse<T>(otherwise: T, work: Promise<T>, what: string): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.options.log.warn({ err: error }, what);
      return otherwise;
    }
  }

  #now(): Date {
    return this.options.now?.() ?? new Date();
  }
}

function count({ inserted, restarted, returned, tasks }: Omit<SweepResult, 'wokenLanes'>): void {
  webhookMetrics.sweeperRepaired.inc({ what: 'delivery_inserted' }, inserted);
  webhookMetrics.sweeperRepaired.inc({ what: 'retry_restarted' }, restarted);
  webhookMetrics.sweeperRepaired.inc({ what: 'retry_returned' }, returned);
  webhookMetrics.sweeperRepaired.inc({ what: 'task_woken' }, tasks);
}
