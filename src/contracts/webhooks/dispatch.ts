/** What a lane did in one round. */
export interface LaneCounts {
  sent: number;
  ok: number;
  /** Ended without being taken: exhausted or canceled. */
  failed: number;
  /** Failed and will be tried again. */
  retried: number;
  /** Of the latest tries, whole HTTP exchange. */
  p50Ms: number;
  p95Ms: number;
  /** Age of the longest due row at the last look, in seconds. */
  oldestDueSec: number;
  /** Why the round ended before its time; absent when it did not. */
  end?: LaneEnd;
}

/**
 * `retired`: there is nothing more to do in the lane of an endpoint. `drained`: nothing is due in it any more.
 * `failing`: the endpoint is down again.
 */
export type LaneEnd = 'retired' | 'drained' | 'failing';

export interface DeliverBatchInput {
  lane: string;
  /** How long the round lasts. */
  forMs: number;
  /** Tries at a time in the whole lane; the default when left out. */
  concurrency?: number;
}

export interface SendAttemptInput {
  deliveryId: string;
  messageId: string;
  endpointId: string;
  appId: string;
  /** `manual` starts the schedule again, whatever state the delivery is in. */
  trigger: 'scheduled' | 'manual';
  /** Shorter than usual where the caller cannot wait as long. */
  timeoutMs?: number;
}

/** What became of a delivery that a workflow tried. Nothing here names a payload or a secret. */
export interface SendAttemptResult {
  outcome: 'delivered' | 'retrying' | 'exhausted' | 'canceled' | 'expired';
  /** Attempts made. */
  n: number;
  code: number;
  /** Why, in an error code's words; null when delivered. */
  why: string | null;
  /** When the next try is due, RFC 3339; set when retrying. */
  nextAt: string | null;
  /** Who makes the next try: the calling workflow, or the lane of the endpoint. */
  nextBy: 'workflow' | 'lane' | null;
}

export interface SweepResult {
  /** Delivery rows that were missing. */
  inserted: number;
  /** Lanes with overdue rows whose dispatcher was woken. */
  wokenLanes: string[];
  /** Retry workflows started again. */
  restarted: number;
  /** Overdue rows given back to their lane. */
  returned: number;
  /** Recoveries and replays whose workflow was woken or started. */
  tasks: number;
}

/** What a probe of an endpoint that is down brought. */
export interface ProbeResult {
  /** `idle`: nothing waits that could be tried. `ended`: the endpoint is disabled or deleted. */
  outcome: 'taken' | 'failed' | 'idle' | 'ended';
  /** In an error code's words; null when it was taken. */
  why: string | null;
  /** When the next probe is due, RFC 3339; set when it failed. */
  nextProbeAt: string | null;
  /** Deliveries that wait, counted up to 10,000. */
  waiting: number;
}

/** What a drain of the lane of an endpoint brought. */
export interface DrainResult extends LaneCounts {
  /** When the next probe is due, RFC 3339; set when the endpoint is down again. */
  nextProbeAt: string | null;
  waiting: number;
}

/** The activities of the webhook queues, as workflows call them. */
export interface WebhookActivities {
  /** Serves a lane for one round under its lease. */
  deliverBatch(input: DeliverBatchInput): Promise<LaneCounts>;
  /** One HTTP try of one delivery. A receiver's failure is a result, not an error. */
  sendAttempt(input: SendAttemptInput): Promise<SendAttemptResult>;
  /** Ends a delivery that is still open. */
  cancelDelivery(input: { deliveryId: string; reason: string }): Promise<void>;
  /** Keeps a delivery that waits for a workflow from being tried, or lets it wait for its time again. */
  holdDelivery(input: { deliveryId: string; nextAt: string | null }): Promise<void>;
  /** Tries the oldest delivery of an endpoint that is down, without using up one of its tries. */
  probeEndpoint(input: { endpointId: string; probeNo: number }): Promise<ProbeResult>;
  /** Sends what waits for an endpoint that may be back: 1, 2, 4, ... at a time while it takes everything. */
  drainLane(input: { endpointId: string; ratePerSec: number | null; forMs: number }): Promise<DrainResult>;
  /** The endpoint is served like any other again. @returns whether it keeps a lane of its own */
  closeCircuit(input: { endpointId: string }): Promise<{ keepsLane: boolean }>;
  /** Disables an endpoint because somebody decided so; what waits for it ends. */
  disableEndpoint(input: { endpointId: string }): Promise<void>;
  /** Mends what a crash may have left undone. */
  sweep(): Promise<SweepResult>;
}
