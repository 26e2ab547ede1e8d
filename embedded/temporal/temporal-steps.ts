import { findOnPath } from '../stack/servers/find-on-path.js';
import { resolveFirst, type Resolved, type ResolutionStep } from '../stack/servers/resolution.js';
import { cacheFolder, fillCache, inspectCache } from './binary-cache.js';
import { binaryVersion } from './binary-version.js';
import { archiveUrl, downloadTemporal, whyUnreachable } from './download.js';
import { buildTemporal, inspectGo } from './go-build.js';
import { compareVersions, PINNED } from './version.js';

/** A Temporal that already runs somewhere, or a program that can be started. */
export type TemporalSource =
  { kind: 'address'; address: string } | { kind: 'binary'; binary: string; version: string };

const ADVICE = `Four ways out:
  set TEMPORAL_ADDRESS=host:port of a Temporal that runs already;
  put temporal (Server ${PINNED.server} or newer) on PATH: https://docs.temporal.io/cli;
  unset HOLDFAST_OFFLINE and allow temporal.download, so that it can be downloaded;
  install Go (https://go.dev/dl), so that it can be built from the pinned module.`;

/** The ways of getting Temporal in their order: no network before the local ones, the slow build last. */
export function temporalSteps(
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): ResolutionStep<TemporalSource>[] {
  const folder = cacheFolder(env);
  const asSource = async (binary: string): Promise<TemporalSource> => ({
    kind: 'binary',
    binary,
    version: (await binaryVersion(binary)).server,
  });
  const address = env['TEMPORAL_ADDRESS'] ?? '';
  const url = archiveUrl(env);
  return [
    {
      name: 'address',
      inspect: async () =>
        address === ''
          ? { usable: false, why: 'TEMPORAL_ADDRESS is not set' }
          : { usable: true, what: `TEMPORAL_ADDRESS=${address}` },
      obtain: async () => ({ kind: 'address', address }),
    },
    {
      name: 'path',
      inspect: () => inspectPath(env),
      obtain: () => asSource(findOnPath('temporal', env['PATH']) ?? 'temporal'),
    },
    {
      name: 'cache',
      inspect: async () => {
        const cached = await inspectCache(folder);
        return 'why' in cached ? { usable: false, why: cached.why } : { usable: true, what: cached.binary };
      },
      obtain: () => asSource(`${folder}/temporal`),
    },
    {
      name: 'download',
      inspect: async () => {
        if (env['HOLDFAST_OFFLINE'] === '1') return { usable: false, why: 'HOLDFAST_OFFLINE=1' };
        const why = await whyUnreachable(url);
        return why === undefined ? { usable: true, what: url } : { usable: false, why };
      },
      obtain: async () =>
        asSource(await fillCache(folder, say, (target) => downloadTemporal(url, target, say))),
    },
    {
      name: 'build',
      inspect: inspectGo,
      obtain: async () => asSource(await fillCache(folder, say, (target) => buildTemporal(target, say))),
    },
  ];
}

/** Finds, downloads or builds Temporal. `HOLDFAST_TEMPORAL` names the only way to try. */
export function resolveTemporal(
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<Resolved<TemporalSource>> {
  return resolveFirst('Temporal', temporalSteps(env, say), env['HOLDFAST_TEMPORAL'] || undefined, ADVICE);
}

async function inspectPath(env: NodeJS.ProcessEnv) {
  const binary = findOnPath('temporal', env['PATH']);
  if (!binary) return { usable: false as const, why: 'no temporal on PATH' };
  try {
    const { server } = await binaryVersion(binary);
    if (compareVersions(server, PINNED.server) >= 0)
      return { usable: true as const, what: `${binary}, Server ${server}` };
    return {
      usable: false as const,
      why: `${binary} has Server ${server}, expected ${PINNED.server} or newer`,
    };
  } catch (error) {
    return { usable: false as const, why: error instanceof Error ? error.message : String(error) };
  }
}
