import type { WebhookModels } from './webhook-models.js';

/** What is left of the rate of an application, and as of when by the clock of the database. */
interface BucketRow {
  _id: string;
  tokens: number;
  at: Date;
  /** What the last taker got. */
  granted: number;
}

export interface Granted {
  /** Messages that may be accepted now. */
  count: number;
  /** How long until the next may be, milliseconds, where not all that were asked for were granted. */
  waitMs: number;
}

/** How many messages a second an application may send, with one second of burst, through however many processes. */
export class AcceptRates {
  constructor(private readonly models: WebhookModels) {}

  /** Takes up to so many messages out of the rate of an application. */
  async take(application: string, perSec: number, wanted: number): Promise<Granted> {
    const row = await acceptRates(this.models).findOneAndUpdate(
      { _id: application },
      taking(perSec, wanted),
      {
        upsert: true,
        returnDocument: 'after',
        // Lost in a crash it is a burst more: not worth waiting for the disk.
        writeConcern: { w: 1 },
      },
    );
    const { granted: count = 0, tokens = 0 } = row ?? {};
    return { count, waitMs: Math.max(Math.ceil(((1 - tokens) / perSec) * 1000), 1) };
  }
}

/** A row an application that has a rate, with the application's id. */
export const acceptRates = (models: WebhookModels) =>
  models.applications.db.collection<BucketRow>('wh_accept_rates');

/** A token bucket as an update: by the clock of the database, so that those of the processes may differ. */
function taking(perSec: number, wanted: number): object[] {
  const elapsedMs = { $max: [0, { $subtract: ['$$NOW', { $ifNull: ['$at', '$$NOW'] }] }] };
  const grown = {
    $add: [{ $ifNull: ['$tokens', perSec] }, { $multiply: [elapsedMs, perSec / 1000] }],
  };
  return [
    { $set: { tokens: { $min: [perSec, grown] }, at: '$$NOW' } },
    { $set: { granted: { $min: [wanted, { $floor: '$tokens' }] } } },
    { $set: { tokens: { $subtract: ['$tokens', '$granted'] } } },
  ];
}
