import mongoose from 'mongoose';

const { MongoServerError } = mongoose.mongo;

/** A document of the torture: unique in `u`, many index entries by `tags`. */
export interface Doc {
  _id: string;
  u: string;
  tags: number[];
  n: number;
  pad: string;
}

/** How a document may look; null is absent. */
export type State = Doc | null;

export interface Change {
  id: string;
  after: State;
}

/**
 * What a correct server may hold. A document is in one known state, or in one of two after a write whose answer never
 * came: such a write may have been done or not, but not twice and not by half.
 */
export class Ledger {
  readonly states = new Map<string, readonly State[]>();
  /** Answers of the server that no write here should get. */
  readonly refusals: string[] = [];
  /** Document writes that were acknowledged, and those whose answer never came. */
  acknowledged = 0;
  open = 0;
  /** Writes acknowledged although the server was killed while they were under way: the driver sent them again. */
  acrossKill = 0;
  private kills = 0;

  /** Call at the moment of a kill. */
  killed(): void {
    this.kills += 1;
  }

  /** The state of a document, if it is known for sure. */
  known(id: string): State | undefined {
    const states = this.states.get(id);
    return states === undefined ? null : states.length === 1 ? states[0] : undefined;
  }

  /** True if the write was acknowledged. Changes count as possible from the moment before they are sent. */
  async write(changes: readonly Change[], operation: () => Promise<unknown>): Promise<boolean> {
    const before = changes.map(({ id }) => this.states.get(id) ?? [null]);
    for (const [at, { id, after }] of changes.entries()) this.states.set(id, [...before[at]!, after]);
    const outcome = await this.attempt(operation, changes.length);
    if (outcome === 'open') return false;
    for (const [at, { id, after }] of changes.entries())
      this.states.set(id, outcome === 'done' ? [after] : before[at]!);
    return outcome === 'done';
  }

  /** Runs a write of `count` documents and counts what came of it. */
  async attempt(
    operation: () => Promise<unknown>,
    count: number,
    expected?: number,
  ): Promise<'done' | 'open' | 'refused'> {
    const { kills } = this;
    this.open += count;
    try {
      await operation();
    } catch (error) {
      if (!isAnswer(error)) return 'open';
      this.open -= count;
      if (error.code !== expected) this.refusals.push(`${error.code}: ${error.message}`);
      return 'refused';
    }
    this.open -= count;
    this.acknowledged += count;
    if (kills !== this.kills) this.acrossKill += count;
    return 'done';
  }
}

/** The server said no, as opposed to a connection that broke, which the driver may wrap but gives no code. */
function isAnswer(error: unknown): error is mongoose.mongo.MongoServerError {
  if (!(error instanceof MongoServerError) || error.hasErrorLabel('RetryableWriteError')) return false;
  return typeof error.code === 'number';
}
