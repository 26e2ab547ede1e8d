/** What go.mod pins: `cli` the module that is built, `server` what its `--version` must print. */
export const PINNED = { cli: '1.9.1', server: '1.32.0' } as const;

export interface TemporalVersion {
  cli: string;
  server: string;
}

/** Reads `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`; undefined for anything else. */
export function parseTemporalVersion(output: string): TemporalVersion | undefined {
  const match = /^temporal version (\S+) \(Server (\d+\.\d+\.\d+[^,\s)]*)/m.exec(output);
  return match?.[1] && match[2] ? { cli: match[1], server: match[2] } : undefined;
}

/** Negative, zero or positive, as `Array.sort` wants it; a pre-release sorts before its release. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === '') return 1;
  if (right.pre === '') return -1;
  return left.pre < right.pre ? -1 : 1;
}

function split(version: string) {
  const [core = '', pre = ''] = version.replace(/^v/, '').split(/-(.*)/s);
  return { numbers: core.split('.').map(Number), pre };
}
