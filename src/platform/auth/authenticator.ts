import { ProblemError } from '../errors.js';
import { tokenPrefix } from './api-key.js';
import type { TokenHasher } from './api-key.js';
import { scopesOf } from './scopes.js';
import type { Principal, Role } from './scopes.js';

/** A stored key as authentication needs it. */
interface StoredKey {
  _id: string;
  hash: string;
  role: Role;
  scopes: string[] | null;
  app: string | null;
  expiresAt?: Date | null;
  poller?: string | null;
}

const CACHE_MS = 5_000;
const CACHE_ENTRIES = 10_000;

/**
 * Tells who calls from the `Authorization: Bearer hf_…` header. Good keys are remembered for five seconds, which is
 * also how long a revoked key can still work.
 */
export class Authenticator {
  readonly #known = new Map<string, { principal: Principal; until: number }>();

  constructor(
    private readonly hasher: TokenHasher,
    private readonly findByPrefix: (prefix: string) => Promise<StoredKey | null>,
    private readonly nowMs: () => number = () => performance.now(),
    private readonly dateMs: () => number = Date.now,
  ) {}

  /** @throws ProblemError `authentication_failed` */
  async authenticate(authorization: string | undefined): Promise<Principal> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw failed('Send the header "Authorization: Bearer hf_…".');
    const prefix = tokenPrefix(token);
    if (prefix === null) throw failed('The key does not have the form hf_<prefix>_<secret>.');
    const hash = this.hasher.hash(token);
    const known = this.#known.get(hash);
    if (known !== undefined && known.until > this.nowMs()) return known.principal;
    const stored = await this.findByPrefix(prefix);
    if (stored === null || !this.hasher.matches(token, stored.hash))
      throw failed('The key is unknown or revoked.');
    const leftMs = (stored.expiresAt?.getTime() ?? Infinity) - this.dateMs();
    if (leftMs <= 0) throw failed('The key has expired.');
    return this.#remember(hash, Math.min(leftMs, CACHE_MS), {
      keyId: stored._id,
      role: stored.role,
      scopes: scopesOf(stored.role, stored.scopes, stored.app),
      app: stored.app,
      ...(stored.poller == null ? {} : { poller: stored.poller }),
    });
  }

  /** Forgets what is remembered, because keys were changed: in this process they then change at once. */
  forget(): void {
    this.#known.clear();
  }

  #remember(hash: string, forMs: number, principal: Principal): Principal {
    if (this.#known.size >= CACHE_ENTRIES) this.#known.clear();
    this.#known.set(hash, { principal, until: this.nowMs() + forMs });
    return principal;
  }
}

const failed = (detail: string) =>
  new ProblemError('authentication_failed', detail, { headers: { 'www-authenticate': 'Bearer' } });
