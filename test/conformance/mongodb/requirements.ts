import type { Document } from 'mongodb';

/** What the tests' requirements are compared with; asked of the server itself. */
export interface Deployment {
  version: string;
  topology: 'single' | 'replicaset' | 'sharded';
  auth: boolean;
}

const SCHEMA_MAJOR = 1;

/** Why a test does not concern this deployment; undefined when it does. Any one of the requirements is enough. */
export function unmetRequirement(requirements: Document[] | undefined, on: Deployment): string | undefined {
  const reasons = (requirements ?? []).map((requirement) => unmet(requirement, on));
  return reasons.some((reason) => reason === undefined) ? undefined : reasons[0];
}

/** Throws unless the file's schema is one that this runner reads. */
export function checkSchemaVersion(version: string): void {
  if (Number(version.split('.')[0]) === SCHEMA_MAJOR) return;
  throw new Error(`expected a test file of schema version ${SCHEMA_MAJOR}.x, got ${version}`);
}

function unmet(requirement: Document, on: Deployment): string | undefined {
  for (const [name, value] of Object.entries(requirement)) {
    const met = CHECKS[name]?.(value, on) ?? false;
    if (!met) return `needs ${name} ${JSON.stringify(value)}`;
  }
  return undefined;
}

const CHECKS: Record<string, (value: unknown, on: Deployment) => boolean> = {
  minServerVersion: (value, on) => compareVersions(on.version, String(value)) >= 0,
  maxServerVersion: (value, on) => compareVersions(on.version, String(value)) <= 0,
  topologies: (value, on) => (value as string[]).includes(on.topology),
  auth: (value, on) => value === on.auth,
  serverless: (value) => value !== 'require',
  csfle: (value) => value === false,
};

/** Compares as many parts as both have: 8.0.4 is not above a maximum of 8.0. */
function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  for (const [at, part] of b.split('.').map(Number).entries()) {
    const difference = (left[at] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
}
