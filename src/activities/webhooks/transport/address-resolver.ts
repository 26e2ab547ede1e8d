import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isAllowedPort, literalAddress, portOf } from '../../../domain/webhooks/endpoint-url.js';
import { isForbiddenAddress } from '../../../domain/webhooks/forbidden-address.js';
import type { AddressRange } from '../../../domain/webhooks/forbidden-address.js';

/** A host that must not be connected to. The text leaves the address out: tenants read it. */
export class ForbiddenAddressError extends Error {
  override name = 'ForbiddenAddressError';
  constructor(host: string) {
    super(`${host} leads to an address that is not public`);
  }
}

/** A port that receivers may not have. */
export class ForbiddenPortError extends Error {
  override name = 'ForbiddenPortError';
  constructor(port: number) {
    super(`port ${port} is not allowed`);
  }
}

/** A name that could not be resolved within the budget. */
export class ResolveError extends Error {
  override name = 'ResolveError';
}

export type Lookup = (hostname: string) => Promise<string[]>;

export interface AddressResolverOptions {
  allowed: readonly AddressRange[];
  /** Absent or empty = every port. */
  allowedPorts?: readonly number[];
  /** All A and AAAA answers of a name; the system's resolver by default. */
  lookup?: Lookup;
  nowMs?: () => number;
}

const BUDGET_MS = 5000;
const KEEP_MS = 60_000;
/** A failed lookup is remembered for a short while: it costs a thread of the pool for seconds. */
const KEEP_FAILURE_MS = 2000;

interface Kept {
  until: number;
  addresses: Promise<string[]>;
}

/** Turns the host of a URL into addresses that may be connected to. One forbidden answer refuses the whole name. */
export class AddressResolver {
  readonly #kept = new Map<string, Kept>();
  readonly #lookup: Lookup;
  readonly #nowMs: () => number;

  constructor(private readonly options: AddressResolverOptions) {
    this.#lookup = options.lookup ?? systemLookup;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** @throws ForbiddenAddressError, ForbiddenPortError, ResolveError */
  async vetted(url: URL): Promise<string[]> {
    this.#checkPort(url);
    const literal = isLiteral(url) ? literalAddress(url) : null;
    const addresses = literal === null ? await this.#answers(url.hostname) : [literal];
    if (addresses.some((address) => this.isForbidden(address))) throw new ForbiddenAddressError(url.hostname);
    return addresses;
  }

  /**
   * What can be judged where a proxy resolves the name.
   * @throws ForbiddenAddressError, ForbiddenPortError
   */
  checkUnresolved(url: URL): void {
    this.#checkPort(url);
    const literal = literalAddress(url);
    if (literal !== null && this.isForbidden(literal)) throw new ForbiddenAddressError(url.hostname);
  }

  #checkPort(url: URL): void {
    if (!isAllowedPort(url, this.options.allowedPorts)) throw new ForbiddenPortError(portOf(url));
  }

  isForbidden(address: string): boolean {
    return isForbiddenAddress(address, this.options.allowed);
  }

  #answers(hostname: string): Promise<string[]> {
    const now = this.#nowMs();
    const kept = this.#kept.get(hostname);
    if (kept !== undefined && kept.until > now) return kept.addresses;
    if (this.#kept.size > 10_000) this.#kept.clear();
    const entry: Kept = { until: now + KEEP_MS, addresses: withinBudget(this.#lookup(hostname), hostname) };
    entry.addresses.catch(() => (entry.until = this.#nowMs() + KEEP_FAILURE_MS));
    this.#kept.set(hostname, entry);
    return entry.addresses;
  }
}

// `localhost` is a name here: what it resolves to is what would be connected to.
const isLiteral = (url: URL) => isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0;

async function systemLookup(hostname: string): Promise<string[]> {
  const answers = await lookup(hostname, { all: true, verbatim: true });
  return answers.map((answer) => answer.address);
}

async function withinBudget(answers: Promise<string[]>, hostname: string): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ResolveError(`${hostname}: no answer within 5 s`)), BUDGET_MS);
  });
  try {
    const addresses = await Promise.race([answers, late]);
    if (addresses.length === 0) throw new ResolveError(`${hostname} has no address`);
    return addresses;
  } catch (error) {
    if (error instanceof ResolveError) throw error;
    throw new ResolveError(
      `${hostname} could not be resolved (${(error as { code?: string }).code ?? 'failed'})`,
    );
  } finally {
    clearTimeout(timer);
  }
}
