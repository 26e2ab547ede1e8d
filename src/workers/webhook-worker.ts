import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.js';
import { OFFER_KEY_PURPOSE } from '../contracts/webhooks/lane-offer.js';
import { laneNames } from '../domain/webhooks/lane.js';
import type { Config } from '../platform/config.js';
import { CONFIG, LOGGER } from '../platform/platform.module.js';
import { deriveKey } from '../platform/secret-box.js';
import { ensureSearchAttributes } from '../platform/temporal-search-attributes.js';
import { TemporalClient } from '../platform/temporal.js';
import { clockSkewMs, MAX_SKEW_MS } from '../store/clock-skew.js';
import { WEBHOOK_MODELS } from '../store/store.module.js';
import type { WebhookModels } from '../store/webhooks/webhook-models.js';
import { HintServer } from './hint-server.js';
import { LaneGuardian } from './lane-guardian.js';
import { ensureRetentionSchedule } from './retention-schedule.js';
import { ensureStatisticsSchedule } from './statistics-schedule.js';
import { ensureSweeperSchedule, removeSweeperSchedule } from './sweeper-schedule.js';
import { TemporalWorkers } from './temporal-workers.js';
import { webhookServices } from './webhook-services.js';
import type { WebhookServices } from './webhook-services.js';

export const TEMPORAL_METRICS_ADDRESS = Symbol('Temporal metrics address');
export const ON_FATAL = Symbol('what to do when the process cannot go on');

/** A drain takes no longer: what is not over by then is given up. */
const DRAIN_MS = 25_000;

/** The webhook part of the worker process: brings its pieces up, and down in order. */
@Injectable()
export class WebhookWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #services: WebhookServices;
  readonly #hints: HintServer;
  readonly #guardian: LaneGuardian;
  readonly #workers: TemporalWorkers;
  readonly #giveUp = new AbortController();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly temporal: TemporalClient,
    @Inject(WEBHOOK_MODELS) private readonly models: WebhookModels,
    @Inject(TEMPORAL_METRICS_ADDRESS) temporalMetrics: string,
    @Inject(ON_FATAL) onFatal: (error: unknown) => void,
  ) {
    const hintUrl = (lane: string) => this.#hints.url(lane);
    this.#services = webhookServices({
      ...{ config, models, temporal, log, hintUrl, giveUp: this.#giveUp.signal },
      ...(config.WEBHOOK_RETRY_SCHEDULE === undefined ? {} : { scheduleSec: config.WEBHOOK_RETRY_SCHEDULE }),
    });
    const { lanes, deliveries, sweeper, activities } = this.#services;
    this.#hints = new HintServer({
      host: config.WORKER_HINT_HOST,
      port: config.WORKER_HINT_PORT,
      temporalMetrics,
      offerKey: deriveKey(config.HOLDFAST_MASTER_KEY, OFFER_KEY_PURPOSE),
      onHint: (lane) => lanes.wake(lane),
      onOffer: (lane, messages) => lanes.offer(lane, messages),
    });
    this.#guardian = new LaneGuardian({
      ...{ lanes, deliveries, log, laneCount: config.WEBHOOK_LANES },
      checkTemporal: () => temporal.check(),
      sweeper: this.#sweeps ? sweeper : null,
    });
    this.#workers = new TemporalWorkers({
      ...{ config, log, queues: servedQueues(activities, config.WORKER_QUEUES) },
      onConnected: () => this.#onConnected(),
      onFailed: onFatal,
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#checkClock();
    await this.#hints.listen();
    if (!this.#sweeps)
      this.log.error('WEBHOOK_SWEEPER=off: accepted messages CAN BE LOST in a crash; for tests only');
    if (this.config.WEBHOOK_LEASE_CHECK === 'off')
      this.log.error('WEBHOOK_LEASE_CHECK=off: messages CAN BE SENT TWICE; for tests only');
    this.#services.watch.start();
    this.#workers.start();
    this.#guardian.start();
  }

  async onModuleDestroy(): Promise<void> {
    const deadline = setTimeout(() => this.#giveUp.abort(), DRAIN_MS);
    this.#services.watch.stop();
    await Promise.all([this.#guardian.stop(), this.#workers.stop()]);
    await this.#settled();
    await this.#services.relay.idle();
    await this.#services.statistics.close();
    clearTimeout(deadline);
    await Promise.all([this.#services.sender.close(), this.#services.sandbox.close(), this.#hints.close()]);
  }

  get #sweeps(): boolean {
    return this.config.WEBHOOK_SWEEPER === 'on';
  }

  async #onConnected(): Promise<void> {
    const { connection, client } = this.temporal;
    try {
      await ensureSearchAttributes(connection, this.config.TEMPORAL_NAMESPACE, SEARCH_ATTRIBUTES);
    } catch (error) {
      this.log.error({ err: error }, 'search attributes are not complete, workflows will wait for them');
    }
    await Promise.all(
      laneNames(this.config.WEBHOOK_LANES).map((lane) => this.#services.dispatchers.ensure(lane)),
    );
    await ensureStatisticsSchedule(client);
    await ensureRetentionSchedule(client);
    if (!this.#sweeps) return removeSweeperSchedule(client);
    await ensureSweeperSchedule(client);
    await this.#services.sweeper.run();
  }

  async #settled(): Promise<void> {
    const givenUp = new Promise<void>((resolve) => {
      this.#giveUp.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#services.lanes.settled(), givenUp]);
  }

  async #checkClock(): Promise<void> {
    const skewMs = await clockSkewMs(this.models.deliveries.db);
    if (Math.abs(skewMs) <= MAX_SKEW_MS) return;
    throw new Error(
      `this host's clock differs from the database's by ${Math.round(skewMs / 1000)} s, at most 30 s are allowed: synchronise it (NTP) and start again`,
    );
  }
}

/** Activities of the queues that this process is to serve: all of them, or those that are named. */
function servedQueues(activities: Record<string, object>, named: readonly string[]): Record<string, object> {
  const unknown = named.filter((queue) => !(queue in activities));
  if (unknown.length > 0) {
    const known = Object.keys(activities).join(', ');
    throw new Error(`WORKER_QUEUES: expected any of ${known}, got ${unknown.join(', ')}`);
  }
  return Object.fromEntries(
    Object.entries(activities).filter(([queue]) => named.length === 0 || named.includes(queue)),
  );
}
