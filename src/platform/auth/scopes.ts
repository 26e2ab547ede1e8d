export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

const RESOURCES = ['applications', 'endpoints', 'messages', 'attempts', 'event-types'] as const;
// Secrets let their holder sign as us, keys let him in: neither is a viewer's.
type Resource = (typeof RESOURCES)[number] | 'secrets' | 'keys' | 'pollers';
// Sending alone, without removing what was sent: contained in messages:write.
export type Scope = `${Resource}:${'read' | 'write'}` | 'messages:create';

const reads = RESOURCES.map((resource): Scope => `${resource}:read`);
// Polling moves the position of a consumer, which others may share: not for a viewer either.
const writes: Scope[] = [
  ...RESOURCES.map((resource): Scope => `${resource}:write`),
  ...(['messages:create', 'pollers:read'] as const),
];

/** What each role may do at most. Only admins manage keys. */
export const ROLE_SCOPES: Record<Role, readonly Scope[]> = {
  viewer: reads,
  operator: [...reads, ...writes, 'secrets:read', 'secrets:write'],
  admin: [...reads, ...writes, 'secrets:read', 'secrets:write', 'keys:read', 'keys:write'],
};

/** Who calls, as the guard found out. */
export interface Principal {
  keyId: string;
  role: Role;
  scopes: ReadonlySet<Scope>;
  /** The only application this caller may touch; null = all. */
  app: string | null;
  /** The only polling endpoint a token made for one may read; absent = whatever its scopes say. */
  poller?: string;
}

/** What belongs to the whole organisation: a key of one application never has it. */
const ORGANISATION_ONLY: readonly Scope[] = ['event-types:write'];

/** @param app the only application of the key; null = all */
export function scopesOf(
  role: Role,
  narrowedTo: readonly string[] | null,
  app: string | null = null,
): ReadonlySet<Scope> {
  const allowed = ROLE_SCOPES[role].filter((scope) => app === null || !ORGANISATION_ONLY.includes(scope));
  return new Set(narrowedTo === null ? allowed : allowed.filter((scope) => isAmong(scope, narrowedTo)));
}

const isAmong = (scope: Scope, narrowedTo: readonly string[]): boolean =>
  narrowedTo.includes(scope) || (scope === 'messages:create' && narrowedTo.includes('messages:write'));
