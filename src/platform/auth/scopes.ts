export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

const RESOURCES = ['applications', 'endpoints', 'messages', 'attempts', 'event-types'] as const;
type Resource = (typeof RESOURCES)[number] | 'keys';
export type Scope = `${Resource}:${'read' | 'write'}`;

const reads = RESOURCES.map((resource): Scope => `${resource}:read`);
const writes = RESOURCES.map((resource): Scope => `${resource}:write`);

/** What each role may do at most. Only admins manage keys. */
export const ROLE_SCOPES: Record<Role, readonly Scope[]> = {
  viewer: reads,
  operator: [...reads, ...writes],
  admin: [...reads, ...writes, 'keys:read', 'keys:write'],
};

/** Who calls, as the guard found out. */
export interface Principal {
  keyId: string;
  role: Role;
  scopes: ReadonlySet<Scope>;
  /** The only application this caller may touch; null = all. */
  app: string | null;
}

export function scopesOf(role: Role, narrowedTo: readonly string[] | null): ReadonlySet<Scope> {
  const allowed = ROLE_SCOPES[role];
  return new Set(narrowedTo === null ? allowed : allowed.filter((scope) => narrowedTo.includes(scope)));
}
