/** The workflow that removes what is older than it is kept, as its callers know it. No zod: workflows import it. */

export const RETENTION_WORKFLOW = 'webhookRetention';

/** In this order, so that nothing outlives what it belongs to for long. */
export const RETENTION_STAGES = [
  'payloads',
  'attempts',
  'deliveries',
  'messages',
  'tasks',
  'inbound',
  'configuration',
] as const;
export type RetentionStage = (typeof RETENTION_STAGES)[number];

/** Where the removing goes on. */
export interface RetentionCursor {
  stage: RetentionStage;
  /** An application with times of its own; null = all others. */
  app: string | null;
  /** Everything up to this id was looked at. */
  after: string;
}

export interface RetentionPage {
  stage: RetentionStage;
  removed: number;
  /** Null when nothing is left to look at. */
  next: RetentionCursor | null;
}

export type RetentionTotals = Record<RetentionStage, number>;

export interface RetentionInput {
  cursor?: RetentionCursor;
  totals?: RetentionTotals;
}

export interface RetentionActivities {
  /** Removes one page. @param cursor null at the beginning */
  retentionPage(cursor: RetentionCursor | null): Promise<RetentionPage>;
}
