import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The registry of this process: api and worker each have one. */
export const registry = new Registry();

/** Adds event loop, memory and CPU metrics; called once at the start of a process. */
export function collectProcessMetrics(): void {
  collectDefaultMetrics({ register: registry, prefix: 'holdfast_' });
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const registers = [registry];

export const httpMetrics = {
  requests: new Histogram({
    name: 'holdfast_http_request_seconds',
    help: 'API requests by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: seconds,
    registers,
  }),
};

/** Metrics of section "Numbers and health" of the webhook capability. */
export const webhookMetrics = {
  accepted: new Counter({ name: 'holdfast_webhook_accepted_total', help: 'Messages accepted', registers }),
  schemaMismatches: new Counter({
    name: 'holdfast_webhook_schema_mismatch_total',
    help: 'Messages that did not fit the schema of their event type',
    labelNames: ['mode'],
    registers,
  }),
  acceptSeconds: new Histogram({
    name: 'holdfast_webhook_accept_seconds',
    help: 'Time from request to durable',
    buckets: seconds,
    registers,
  }),
  flushRows: new Histogram({
    name: 'holdfast_webhook_flush_rows',
    help: 'Rows written together by a flush',
    labelNames: ['kind'],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024],
    registers,
  }),
  delivered: new Counter({ name: 'holdfast_webhook_delivered_total', help: 'Deliveries taken', registers }),
  retried: new Counter({
    name: 'holdfast_webhook_retried_total',
    help: 'Tries that failed and will be repeated',
    registers,
  }),
  attempts: new Counter({
    name: 'holdfast_webhook_attempts_total',
    help: 'HTTP tries by class of the answer',
    labelNames: ['class'],
    registers,
  }),
  endToEndSeconds: new Histogram({
    name: 'holdfast_webhook_end_to_end_seconds',
    help: 'Time from accept to the receiver taking the first try',
    buckets: seconds,
    registers,
  }),
  oldestDueSeconds: new Gauge({
    name: 'holdfast_webhook_oldest_due_seconds',
    help: 'Age of the oldest delivery that is due and not yet tried',
    labelNames: ['lane'],
    registers,
  }),
  inbound: new Counter({
    name: 'holdfast_webhook_inbound_total',
    help: 'Webhooks sent to us, by what became of them',
    labelNames: ['result'],
    registers,
  }),
  leaseLost: new Counter({
    name: 'holdfast_webhook_lease_lost_total',
    help: 'Lanes lost to another owner',
    registers,
  }),
  duplicates: new Counter({
    name: 'holdfast_webhook_duplicates_total',
    help: 'Results that met a newer one',
    registers,
  }),
  sweeperRepaired: new Counter({
    name: 'holdfast_webhook_sweeper_repaired_total',
    help: 'Rows the sweeper had to mend; alert if it grows without a crash',
    labelNames: ['what'],
    registers,
  }),
};
