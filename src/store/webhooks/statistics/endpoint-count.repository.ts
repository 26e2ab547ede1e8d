import type {
  ActiveAppQuery,
  EndpointCountOut,
  EndpointCountQuery,
} from '../../../contracts/webhooks/endpoint-count.js';
import { OPERATIONAL_APP } from '../../../contracts/webhooks/operational-event.js';
import type { WebhookModels } from '../webhook-models.js';

const SVIX_PLAY = /^https?:\/\/play\.svix\.com\//;

/** Counts over all applications, from the index on `{deletedAt, disabled, app}` where no URL is looked at. */
export class EndpointCountRepository {
  constructor(private readonly models: WebhookModels) {}

  async endpoints(query: EndpointCountQuery): Promise<EndpointCountOut> {
    const [active, disabled] = await Promise.all([this.#count(query, false), this.#count(query, true)]);
    return { active, disabled };
  }

  async #count(query: EndpointCountQuery, disabled: boolean): Promise<number> {
    const { endpoints } = this.models;
    if (query.exclude_svix_play) return endpoints.countDocuments(filterOf(query, disabled));
    // All but the operational ones: two counts that an index answers alone, which an inequality would not be.
    const state = { deletedAt: null, disabled };
    const [all, operational] = await Promise.all([
      endpoints.countDocuments(state),
      endpoints.countDocuments({ ...state, app: OPERATIONAL_APP }),
    ]);
    return all - operational;
  }

  /** Applications that have an endpoint. */
  async activeApps({ exclude_disabled: onlyEnabled, ...query }: ActiveAppQuery): Promise<number> {
    const [counted] = await this.models.endpoints.aggregate<{ count: number }>([
      { $match: filterOf(query, onlyEnabled ? false : null) },
      { $group: { _id: '$app' } },
      { $count: 'count' },
    ]);
    return counted?.count ?? 0;
  }
}

const filterOf = ({ exclude_svix_play: noPlay }: EndpointCountQuery, disabled: boolean | null) => ({
  deletedAt: null,
  ...(disabled === null ? {} : { disabled }),
  app: { $ne: OPERATIONAL_APP },
  ...(noPlay ? { url: { $not: SVIX_PLAY } } : {}),
});
