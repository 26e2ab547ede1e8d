import type { ServiceKind } from '../service/service.js';

export interface LeftoverFacts {
  /** A process with the recorded pid and the recorded start time is there. */
  alive: boolean;
  /** What the record says it is. */
  kind: string;
  version: string;
  ports: Record<string, number>;
  /** It answers its health check. */
  healthy: boolean;
}

/** What this start would run under the same name. */
export interface LeftoverWish {
  kind: ServiceKind;
  version: string;
  /** Ports that were set explicitly. */
  ports: Record<string, number>;
  /** Exits when its supervisor does: it may still be there, but only to finish what it does. */
  exitsWithParent: boolean;
}

export type LeftoverDecision = 'gone' | 'adopt' | 'end';

/** What becomes of a process that an earlier supervisor left behind. */
export function decideLeftover(facts: LeftoverFacts, wish: LeftoverWish | undefined): LeftoverDecision {
  if (!facts.alive) return 'gone';
  if (!wish || wish.exitsWithParent || !facts.healthy) return 'end';
  const same = facts.kind === wish.kind && facts.version === wish.version;
  const portsFit = Object.entries(wish.ports).every(([name, port]) => facts.ports[name] === port);
  return same && portsFit ? 'adopt' : 'end';
}
