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
}

export interface DeliverBatchInput {
  lane: string;
  /** How long the round lasts. */
  forMs: number;
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

/** The activities of the webhook queues, as workflows call them. */
export interface WebhookActivities {
  /** Serves a lane for one round under its lease. */
  deliverBatch(input: DeliverBatchInput): Promise<LaneCounts>;
  /** One HTTP try of one delivery. A receiver's failure is a result, not an error. */
  sendAttempt(input: SendAttemptInput): Promise<SendAttemptResult>;
  /** Ends a delivery that is still open. */
  cancelDelivery(input: { deliveryId: string; reason: string }): Promise<void>;
  /** Mends what a crash may have left undone. */
  sweep(): Promise<SweepResult>;
}
