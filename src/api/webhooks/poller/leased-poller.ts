import { Injectable } from '@nestjs/common';
import type { LeasedPollOut, LeasedPollQuery } from '../../../contracts/webhooks/poller-lease.js';
import { committed, given, leaseStart } from '../../../domain/webhooks/poller-lease.js';
import type { LeasedPosition } from '../../../domain/webhooks/poller-lease.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { invalidMember, ProblemError } from '../../../platform/errors.js';
import { PollerLeaseRepository } from '../../../store/webhooks/poller/poller-lease.repository.js';
import type { PollerRow } from '../../../store/webhooks/poller/poller.schema.js';
import { idAfter, Poller, startOf } from './poller.js';

/** Of so many calls at once for one consumer, one at least gets its turn each time. */
const MOST_TURNS = 10;

interface Named {
  app: string;
  sink: string;
  consumer: string;
}

/** The second version of polling: a consumer's position moves when it commits, not with the answer. */
@Injectable()
export class LeasedPoller {
  constructor(
    private readonly poller: Poller,
    private readonly consumers: PollerLeaseRepository,
  ) {}

  /** Gives the messages that are not committed; none while somebody has them. */
  async receive(caller: Principal, named: Named, query: LeasedPollQuery): Promise<LeasedPollOut> {
    const poller = await this.poller.enabled(caller, named.app, named.sink);
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      const now = Date.now();
      const row = await this.consumers.find(poller._id, named.consumer);
      const position = row ?? begin(poller, query);
      if (position.until.getTime() > now) return { data: [], done: false };
      const page = await this.poller.read(poller, { after: position.after, limit: query.limit });
      const ids = page.data.map(({ id }) => id);
      const until = new Date(now + query.lease_duration_ms);
      const next = given(position, { ids, last: page.iterator }, until);
      if (await this.consumers.move(poller._id, named.consumer, row, next)) {
        const data = page.data.map((message, index) => ({ offset: next.offset + index, ...message }));
        return { data, done: page.done };
      }
    }
    throw crowded(named);
  }

  /** Everything up to the offset was worked through. Repeated, it changes nothing. */
  async commit(caller: Principal, named: Named, offset: number): Promise<void> {
    const poller = await this.poller.enabled(caller, named.app, named.sink);
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      const row = await this.consumers.find(poller._id, named.consumer);
      const next = row === null ? null : committed(row, offset);
      if (row === null || next === null) throw neverGiven(row);
      if (next === row || (await this.consumers.move(poller._id, named.consumer, row, next))) return;
    }
    throw crowded(named);
  }
}

const begin = (poller: PollerRow, { starting_position: from }: LeasedPollQuery): LeasedPosition =>
  leaseStart(from === 'latest' ? idAfter(new Date()) : startOf(poller));

const neverGiven = (position: LeasedPosition | null) => {
  const most = position === null ? 0 : position.offset + position.ids.length - 1;
  return invalidMember(['offset'], `expected the offset of a message that was given, at most ${most}`);
};

const crowded = ({ consumer }: Named) =>
  new ProblemError('conflict', `Too many calls for the consumer "${consumer}" at once. Try again.`);
