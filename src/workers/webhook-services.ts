import type { Logger } from 'pino';
import { BatchTry } from '../activities/webhooks/batch/batch-try.js';
import { cancelDeliveryActivity } from '../activities/webhooks/cancel-delivery.activity.js';
import { Circuits } from '../activities/webhooks/circuits.js';
import { deliverBatchActivity } from '../activities/webhooks/deliver-batch.activity.js';
import { DeliveryTry } from '../activities/webhooks/delivery-try.js';
import { Dispatchers } from '../activities/webhooks/dispatchers.js';
import { drainLaneActivity } from '../activities/webhooks/drain-lane.activity.js';
import {
  closeCircuitActivity,
  disableEndpointActivity,
} from '../activities/webhooks/end-recovery.activity.js';
import { EndpointHealth } from '../activities/webhooks/endpoint-health.js';
import { holdDeliveryActivity } from '../activities/webhooks/hold-delivery.activity.js';
import { HttpSender } from '../activities/webhooks/http-sender.js';
import { AccessTokens } from '../activities/webhooks/oauth/access-tokens.js';
import { AuthorizedSender } from '../activities/webhooks/oauth/authorized-sender.js';
import { LanePages } from '../activities/webhooks/lane/reading/lane-page.js';
import { LaneService } from '../activities/webhooks/lane/lane-service.js';
import { LaneWatch } from '../activities/webhooks/lane/lease/lane-watch.js';
import { PreparedEndpoints } from '../activities/webhooks/prepared-endpoints.js';
import { previewReplayActivity } from '../activities/webhooks/replay/preview-replay.activity.js';
import { Replay } from '../activities/webhooks/replay/replay.js';
import { replayPageActivity } from '../activities/webhooks/replay/replay-page.activity.js';
import { countTaskActivity } from '../activities/webhooks/task/count-task.activity.js';
import { steerTaskActivity } from '../activities/webhooks/task/steer-task.activity.js';
import { taskPagesActivity } from '../activities/webhooks/task/task-pages.activity.js';
import { TaskWalker } from '../activities/webhooks/task/task-walker.js';
import { TaskWorkflows } from '../activities/webhooks/task/task-workflows.js';
import { probeEndpointActivity } from '../activities/webhooks/probe-endpoint.activity.js';
import { Recoveries } from '../activities/webhooks/recoveries.js';
import { Retention } from '../activities/webhooks/retention/retention.js';
import { retentionPageActivity } from '../activities/webhooks/retention/retention-page.activity.js';
import { ResultFlush } from '../activities/webhooks/result-flush.js';
import { RetrySchedules } from '../activities/webhooks/retry-schedules.js';
import { RetryWorkflows } from '../activities/webhooks/retry-workflows.js';
import { sendAttemptActivity } from '../activities/webhooks/send-attempt.activity.js';
import { AttemptStatistics } from '../activities/webhooks/statistics/attempt-statistics.js';
import { pruneStatisticsActivity } from '../activities/webhooks/statistics/prune-statistics.activity.js';
import { Recount } from '../activities/webhooks/statistics/recount.js';
import { recountStatisticsActivity } from '../activities/webhooks/statistics/recount-statistics.activity.js';
import { Sweep } from '../activities/webhooks/sweep.js';
import { sweepActivity } from '../activities/webhooks/sweep.activity.js';
import { OutboxBell } from '../store/webhooks/operational/outbox-bell.js';
import { WEBHOOK_QUEUES } from '../contracts/webhooks/delivery.js';
import { parseRanges } from '../domain/webhooks/forbidden-address.js';
import type { Config } from '../platform/config.js';
import { newId } from '../platform/ids.js';
import { ExpressionSandbox } from '../platform/expression/expression-sandbox.js';
import { SecretBox } from '../platform/secret-box.js';
import type { TemporalClient } from '../platform/temporal.js';
import { ApplicationCache } from '../store/webhooks/application-cache.js';
import { ApplicationRepository } from '../store/webhooks/application.repository.js';
import { AttemptRepository } from '../store/webhooks/attempt.repository.js';
import { DeliveryRepository } from '../store/webhooks/delivery.repository.js';
import { DeliverySourceRepository } from '../store/webhooks/delivery-source.repository.js';
import { EndpointRepository } from '../store/webhooks/endpoint.repository.js';
import { EndpointLaneRepository } from '../store/webhooks/endpoint-lane.repository.js';
import { EndpointHealthRepository } from '../store/webhooks/endpoint-health.repository.js';
import { ExpiredRepository } from '../store/webhooks/expired.repository.js';
import { RetentionRepository } from '../store/webhooks/retention/retention.repository.js';
import { FifoRepository } from '../store/webhooks/fifo.repository.js';
import { LaneBacklogRepository } from '../store/webhooks/lane-backlog.repository.js';
import { LaneRepository } from '../store/webhooks/lane.repository.js';
import { RetryScheduleRepository } from '../store/webhooks/retry-schedule.repository.js';
import { replaySources } from '../store/webhooks/replay/replay-sources.js';
import { OperationalRelay } from '../store/webhooks/operational/operational-relay.js';
import { TaskResultRepository } from '../store/webhooks/task/task-result.repository.js';
import { taskWalks } from '../store/webhooks/task/task-walks.js';
import { TaskRepository } from '../store/webhooks/task/task.repository.js';
import { WalkTaskRepository } from '../store/webhooks/task/walk-task.repository.js';
import { RecountSource } from '../store/webhooks/statistics/recount-source.repository.js';
import { StatisticsRepository } from '../store/webhooks/statistics/statistics.repository.js';
import { SweepRepository } from '../store/webhooks/sweep.repository.js';
import type { WebhookModels } from '../store/webhooks/webhook-models.js';
import { workerAccept } from './message-accept.js';

export interface WebhookServicesOptions {
  config: Pick<
    Config,
    | 'HOLDFAST_MASTER_KEY'
    | 'WEBHOOK_ALLOW_CIDRS'
    | 'WEBHOOK_ALLOW_PORTS'
    | 'WEBHOOK_PROXY_URL'
    | 'WEBHOOK_LANES'
    | 'WEBHOOK_PAYLOAD_RETENTION_DAYS'
    | 'WEBHOOK_MAX_PAYLOAD_BYTES'
    | 'WEBHOOK_ATTEMPT_RETENTION_DAYS'
    | 'WEBHOOK_ROW_RETENTION_DAYS'
    | 'WEBHOOK_SVIX_HEADERS'
    | 'WEBHOOK_DISABLE_AFTER_DAYS'
    | 'WEBHOOK_LEASE_CHECK'
    | 'WEBHOOK_PROBE_SECONDS'
    | 'WEBHOOK_PROBE_MAX_SECONDS'
  >;
  models: WebhookModels;
  temporal: TemporalClient;
  log: Logger;
  /** Where this process takes hints for a lane; null when it takes none. */
  hintUrl: (lane: string) => string | null;
  /** Fires when what is not written by then is given up. */
  giveUp: AbortSignal;
  /** Waits between tries; the default schedule when left out. */
  scheduleSec?: readonly number[];
  /** How long a task that walks goes on in one call; some seconds when left out. */
  taskCallMs?: number;
}

export type WebhookServices = ReturnType<typeof webhookServices>;

/** The delivery side of webhooks, put together. */
export function webhookServices(options: WebhookServicesOptions) {
  const { config, models, temporal, log, hintUrl, giveUp, scheduleSec, taskCallMs } = options;
  const lanes = new LaneRepository(models);
  const deliveries = new DeliveryRepository(models);
  const attempts = new AttemptRepository(models);
  const source = new DeliverySourceRepository(models);
  const applications = new ApplicationRepository(models);
  const endpointHealth = new EndpointHealthRepository(models, applications);
  const endpointLanes = new EndpointLaneRepository(models, applications);
  const backlog = new LaneBacklogRepository(models);
  const fifo = new FifoRepository(models);
  const sweeps = new SweepRepository(models);
  const bell = new OutboxBell();
  const disableAfterMs = config.WEBHOOK_DISABLE_AFTER_DAYS * 86_400_000;
  const health = new EndpointHealth(endpointHealth, deliveries, bell, log, disableAfterMs);
  const sender = new HttpSender({
    allowed: parseRanges(config.WEBHOOK_ALLOW_CIDRS),
    allowedPorts: config.WEBHOOK_ALLOW_PORTS,
    proxyUrl: config.WEBHOOK_PROXY_URL,
  });
  const endpoints = new PreparedEndpoints(source, new SecretBox(config.HOLDFAST_MASTER_KEY));
  const pages = new LanePages(source, endpoints, config.WEBHOOK_LANES);
  const sandbox = new ExpressionSandbox(config.WEBHOOK_MAX_PAYLOAD_BYTES);
  const trying = {
    sender: new AuthorizedSender(sender, new AccessTokens(sender)),
    sandbox,
    worker: newId('wrk'),
    svixHeaders: config.WEBHOOK_SVIX_HEADERS,
    schedules: new RetrySchedules(new RetryScheduleRepository(models), scheduleSec),
  };
  const tries = new DeliveryTry(trying);
  const batches = new BatchTry(trying, tries);
  const statisticsRows = new StatisticsRepository(models);
  const statistics = new AttemptStatistics(statisticsRows, log);
  const retention = new Retention(new RetentionRepository(models), {
    attemptDays: config.WEBHOOK_ATTEMPT_RETENTION_DAYS,
    rowDays: config.WEBHOOK_ROW_RETENTION_DAYS,
  });
  const recount = new Recount(new RecountSource(models), statisticsRows);
  const flush = new ResultFlush({ deliveries, attempts, health, bell, statistics, log, giveUp });
  const laneCount = config.WEBHOOK_LANES;
  const handover = new RetryWorkflows(temporal.client, log);
  const dispatchers = new Dispatchers(temporal.client);
  const watch = new LaneWatch(lanes, (lane, deadOwner) => dispatchers.wake(lane, { deadOwner }), log);
  const recoveries = new Recoveries(temporal.client, log);
  const circuits = new Circuits(endpointLanes, recoveries, {
    firstMs: config.WEBHOOK_PROBE_SECONDS * 1000,
    maxMs: config.WEBHOOK_PROBE_MAX_SECONDS * 1000,
  });
  const laneService = new LaneService({
    ...{ lanes, deliveries, pages, tries, batches, flush, handover, log, hintUrl, watch, laneCount },
    ...{ endpoints: endpointLanes, backlog, fifo, sweeps, circuits },
    leaseCheck: config.WEBHOOK_LEASE_CHECK === 'on',
    serveLane: (lane) =>
      dispatchers.ensure(lane).catch((error: unknown) => {
        log.warn({ err: error, lane }, 'the dispatcher of the lane is not started; the sweeper will');
      }),
  });
  const tasks = new TaskRepository(models, bell);
  const cache = new ApplicationCache(models, applications);
  const accepting = workerAccept({ models, cache, config, log });
  const retentionDays = config.WEBHOOK_PAYLOAD_RETENTION_DAYS;
  const relay = new OperationalRelay({ models, applications, accepting, bell, retentionDays, log });
  const taskPages = new WalkTaskRepository(models);
  const walker = new TaskWalker({
    ...{ tasks, pages: taskPages, results: new TaskResultRepository(models) },
    walks: taskWalks(models, { pages: taskPages, statistics: statisticsRows, accepting }),
    ...(taskCallMs === undefined ? {} : { forMs: taskCallMs }),
  });
  const replays = new TaskWorkflows(tasks, temporal.client);
  const replay = new Replay({
    ...{ tasks, endpoints: new EndpointRepository(models, applications), laneCount },
    sources: replaySources(models),
  });
  const sweeper = new Sweep({
    ...{
      messages: sweeps,
      endpoints: endpointLanes,
      recoveries,
      deliveries,
      lanes,
      watch,
      dispatchers,
      handover,
      replays,
      relay,
      expired: new ExpiredRepository(models),
      laneCount,
      log,
    },
  });
  const attempt = sendAttemptActivity({
    ...{ deliveries, pages, endpoints: endpointLanes, tries, flush, handover, lanes: laneCount },
  });
  const recovery = {
    ...{ lanes: laneService, deliveries, endpoints: endpointLanes, backlog, fifo, sweeps, pages },
    ...{ tries, flush, circuits },
  };
  const activities = {
    [WEBHOOK_QUEUES.dispatch]: { deliverBatch: deliverBatchActivity(laneService) },
    [WEBHOOK_QUEUES.retry]: {
      sendAttempt: attempt,
      cancelDelivery: cancelDeliveryActivity(deliveries),
      holdDelivery: holdDeliveryActivity(deliveries),
      probeEndpoint: probeEndpointActivity(recovery),
      drainLane: drainLaneActivity(recovery),
      closeCircuit: closeCircuitActivity(endpointLanes, dispatchers),
      disableEndpoint: disableEndpointActivity(endpointLanes, health),
    },
    [WEBHOOK_QUEUES.control]: {
      sweep: sweepActivity(sweeper),
      previewReplay: previewReplayActivity(replay),
      replayPage: replayPageActivity(replay),
      steerReplay: steerTaskActivity(tasks),
      countTask: countTaskActivity(walker),
      taskPages: taskPagesActivity(walker),
      steerTask: steerTaskActivity(tasks),
      recountStatistics: recountStatisticsActivity(recount),
      pruneStatistics: pruneStatisticsActivity(recount),
      retentionPage: retentionPageActivity(retention),
    },
  };
  return {
    lanes: laneService,
    deliveries,
    dispatchers,
    watch,
    sweeper,
    sender,
    sandbox,
    flush,
    statistics,
    recount,
    relay,
    activities,
  };
}
